package trigger

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/resource"
)

const mappingType = "AWS::Lambda::EventSourceMapping"

// mappingHandler makes AWS::Lambda::EventSourceMapping real.
type mappingHandler struct{ s *Service }

const (
	whyStreamsOnly = "mappings of queues, brokers and Kinesis do not run here"
	whyMetrics     = "there are no CloudWatch metrics here"
)

func (mappingHandler) Schema() resource.Schema {
	var (
		served  = resource.Property{}
		queues  = resource.Property{Support: resource.Accepted, Why: whyStreamsOnly}
		without = func(why string) resource.Property { return resource.Property{Support: resource.Accepted, Why: why} }
	)
	return resource.Schema{
		"FunctionName":                        {Required: true},
		"EventSourceArn":                      served,
		"Enabled":                             served,
		"StartingPosition":                    served,
		"BatchSize":                           served,
		"MaximumBatchingWindowInSeconds":      served,
		"ParallelizationFactor":               served,
		"MaximumRetryAttempts":                served,
		"MaximumRecordAgeInSeconds":           served,
		"BisectBatchOnFunctionError":          served,
		"FunctionResponseTypes":               served,
		"FilterCriteria":                      served,
		"FilterCriteria.Filters":              served,
		"FilterCriteria.Filters.Pattern":      served,
		"DestinationConfig":                   served, // what it names does not run; Check says so
		"TumblingWindowInSeconds":             {Support: resource.Missing, Why: "tumbling windows are not run: the function gets plain batches, without a state"},
		"StartingPositionTimestamp":           queues, // of Kinesis
		"Topics":                              queues,
		"Queues":                              queues,
		"SourceAccessConfigurations":          queues,
		"SelfManagedEventSource":              queues,
		"SelfManagedKafkaEventSourceConfig":   queues,
		"AmazonManagedKafkaEventSourceConfig": queues,
		"DocumentDBEventSourceConfig":         queues,
		"ScalingConfig":                       queues,
		"ProvisionedPollerConfig":             queues,
		"KmsKeyArn":                           without("nothing is encrypted with KMS here"),
		"MetricsConfig":                       without(whyMetrics),
		"LoggingConfig":                       without("the terminal shows what a mapping does"),
		"Tags":                                without("tags have no effect here"),
	}
}

// Check finds what AWS refuses, and sources and destinations that Suiro does
// not run.
func (h mappingHandler) Check(spec resource.Spec) (out diag.List) {
	p := spec.Properties
	source := p.Get("EventSourceArn")
	stream := true // as far as is known
	if resource.Unknown(source) {
		// Nothing is started yet. Only a table's stream needs a starting
		// position; a queue's mapping has none.
		stream = !p.Get("StartingPosition").IsNull() || strings.Contains(source.Text, ".StreamArn")
		source = nil
	}
	for _, key := range []string{"FilterCriteria", "BatchSize", "StartingPosition"} {
		if resource.Unknown(p.Get(key)) {
			return nil
		}
	}
	set := readSettings(spec)
	if source != nil && !set.runs() || !stream || p.Get("EventSourceArn").IsNull() {
		name := set.service()
		if name == "" {
			name = "its event source"
		}
		out.Add(diag.Warningf(spec.At(p.Get("EventSourceArn")), spec.LogicalID+".EventSourceArn", "Suiro does not run %s; the function gets nothing from it", name))
		return out
	}
	if source == nil {
		set.Source = "arn:aws:dynamodb:::"
	}
	if problem := set.check(); problem != nil {
		out.Add(diag.Errorf(spec.Pos, spec.LogicalID, "AWS refuses this mapping: %s", problem.text))
	}
	for _, f := range items(p.Get("FilterCriteria").Get("Filters")) {
		one := settings{Filters: []string{patternText(f.Get("Pattern"))}}
		if _, err := one.patterns(); err != nil {
			out.Add(diag.Errorf(spec.At(f.Get("Pattern")), spec.LogicalID+".FilterCriteria", "the filter cannot be used: %v", err))
		}
	}
	if n := p.Get("DestinationConfig").Get("OnFailure").Get("Destination"); !n.IsNull() && !resource.Unknown(n) {
		out.Add(diag.Warningf(n.Pos, spec.LogicalID+".DestinationConfig", "queues, topics and buckets do not run here; records that are given up are shown instead"))
	}
	return out
}

func items(n *document.Node) []*document.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

// patternText is a pattern as JSON text; templates may also write it as what
// the text says.
func patternText(n *document.Node) string {
	if text, ok := n.Scalar(); ok {
		return text
	}
	return n.JSON()
}

func readSettings(spec resource.Spec) settings {
	p := spec.Properties
	set := defaults()
	set.Resource = spec.LogicalID
	set.Source = p.Get("EventSourceArn").TextOr("")
	set.Function = p.Get("FunctionName").TextOr("")
	set.Enabled = p.Get("Enabled").TruthOr(true)
	set.StartingPosition = p.Get("StartingPosition").TextOr("")
	set.BatchSize = p.Get("BatchSize").IntegerOr(set.BatchSize)
	set.Window = p.Get("MaximumBatchingWindowInSeconds").IntegerOr(0)
	set.ParallelizationFactor = p.Get("ParallelizationFactor").IntegerOr(1)
	set.Retries = p.Get("MaximumRetryAttempts").IntegerOr(set.Retries)
	set.MaxAge = p.Get("MaximumRecordAgeInSeconds").IntegerOr(set.MaxAge)
	set.Bisect = p.Get("BisectBatchOnFunctionError").TruthOr(false)
	set.Tumbling = p.Get("TumblingWindowInSeconds").IntegerOr(0)
	for _, t := range p.Get("FunctionResponseTypes").Strings() {
		set.PartialFailures = set.PartialFailures || t == reportFailures
	}
	for _, f := range items(p.Get("FilterCriteria").Get("Filters")) {
		set.Filters = append(set.Filters, patternText(f.Get("Pattern")))
	}
	set.OnFailure = p.Get("DestinationConfig").Get("OnFailure").Get("Destination").TextOr("")
	set.Modified = time.Now()
	set.UUID = stableUUID(spec.Stack.AccountID, spec.Stack.Region, spec.Stack.Name, spec.LogicalID)
	return set
}

const reportFailures = "ReportBatchItemFailures"

func (h mappingHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	set := readSettings(spec)
	if set.runs() {
		if problem := set.check(); problem != nil {
			return nil, diag.Errorf(spec.Pos, spec.LogicalID, "AWS refuses this mapping: %s", problem.text)
		}
	}
	set, refused := h.s.settle(set)
	if refused != nil {
		return nil, diag.Errorf(spec.Pos, spec.LogicalID, "%s", refused.Message)
	}
	if m := h.s.find(set.UUID); m != nil {
		m.replace(set)
	} else {
		h.s.add(set)
	}
	return h.instance(set), nil
}

func (h mappingHandler) instance(set settings) *resource.Instance {
	return &resource.Instance{PhysicalID: set.UUID, Attributes: resource.Texts("Id", set.UUID, "EventSourceMappingArn", h.s.arn(set))}
}

// Update changes the mapping in place; it goes on where it is.
func (h mappingHandler) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return h.Create(ctx, spec)
}

func (h mappingHandler) Delete(ctx context.Context, _ resource.Spec, old *resource.Instance) error {
	if m := h.s.find(old.PhysicalID); m != nil {
		return h.s.remove(ctx, m)
	}
	return nil
}

// settle finds the function of settings that were checked, and refuses a
// second mapping of the same source to it.
func (s *Service) settle(set settings) (settings, *invoke.Error) {
	fn, err := s.cfg.Functions.Lookup(set.Function, "")
	if err != nil {
		var refused *invoke.Error
		if errors.As(err, &refused) {
			return set, refused
		}
		return set, &invoke.Error{Status: http.StatusInternalServerError, Code: "ServiceException", Message: err.Error()}
	}
	if set.Function = fn.ARN; fn.Qualifier != "" {
		set.Function += ":" + fn.Qualifier
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return set, &invoke.Error{Status: http.StatusInternalServerError, Code: "ServiceException", Message: errEnded.Error()}
	}
	for uuid, m := range s.mappings {
		other := m.settings()
		if uuid != set.UUID && other.Source == set.Source && other.Function == set.Function {
			return set, &invoke.Error{Status: http.StatusConflict, Code: "ResourceConflictException",
				Message: `The event source arn (" ` + set.Source + ` ") and function (" ` + fn.Name + ` ") provided mapping already exists. Please update or delete the existing mapping with UUID ` + uuid}
		}
	}
	return set, nil
}

func (s *Service) arn(set settings) string {
	return "arn:aws:lambda:" + s.cfg.Region + ":" + s.cfg.AccountID + ":event-source-mapping:" + set.UUID
}
