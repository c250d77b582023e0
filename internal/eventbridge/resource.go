package eventbridge

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/eventbridge/schedule"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/resource"
)

const (
	ruleType     = "AWS::Events::Rule"
	scheduleType = "AWS::Scheduler::Schedule"
)

// ruleHandler makes AWS::Events::Rule real, as far as it has a schedule.
type ruleHandler struct{ s *Service }

func (ruleHandler) Schema() resource.Schema {
	buses := resource.Property{Support: resource.Missing, Why: "there is no event bus here: the rule matches nothing"}
	return resource.Schema{
		"Name": {}, "Description": {}, "ScheduleExpression": {}, "State": {}, "Targets": {},
		"Targets.Arn": {}, "Targets.Id": {}, "Targets.Input": {},
		"Targets.InputPath":        {Support: resource.Missing, Why: "paths into the event are not followed: the function gets the whole event"},
		"Targets.InputTransformer": {Support: resource.Missing, Why: "events are not transformed: the function gets the whole event"},
		"Targets.RetryPolicy":      {Support: resource.Accepted, Why: "functions here are always reached"},
		"Targets.DeadLetterConfig": {Support: resource.Accepted, Why: "functions here are always reached"},
		"Targets.RoleArn":          {Support: resource.Accepted, Why: "functions are called by the rule's permission"},
		"EventPattern":             buses,
		"EventBusName":             {Support: resource.Accepted, Why: "there is no event bus here"},
		"RoleArn":                  {Support: resource.Accepted, Why: "functions are called by the rule's permission"},
		"Tags":                     {Support: resource.Accepted, Why: "tags have no effect here"},
	}
}

// Check finds schedules that AWS refuses, and targets that are no functions.
func (ruleHandler) Check(spec resource.Spec) (out diag.List) {
	p := spec.Properties
	if n := p.Get("ScheduleExpression"); !n.IsNull() && !resource.Unknown(n) {
		s, err := schedule.Parse(n.TextOr(""), nil)
		if err == nil && s.Once() {
			out.Add(diag.Errorf(n.Pos, spec.LogicalID+".ScheduleExpression", "at(…) is for schedules of EventBridge Scheduler, not for rules"))
		} else if err != nil {
			out.Add(diag.Errorf(n.Pos, spec.LogicalID+".ScheduleExpression", "%v", err))
		}
	}
	for _, t := range items(p.Get("Targets")) {
		checkTarget(&out, spec, t.Get("Arn"))
	}
	return out
}

func checkTarget(out *diag.List, spec resource.Spec, arn *document.Node) {
	if text, ok := arn.Scalar(); ok && !resource.Unknown(arn) && !isFunction(text) {
		out.Add(diag.Warningf(arn.Pos, spec.LogicalID+".Target", "only functions are targets here; %s gets nothing", text))
	}
}

func isFunction(arn string) bool { return strings.Contains(arn, ":lambda:") }

func items(n *document.Node) []*document.Node {
	if n == nil {
		return nil
	}
	return n.Items
}

func (h ruleHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	p := spec.Properties
	name := p.Get("Name").TextOr(spec.Stack.Name + "-" + spec.LogicalID)
	arn := "arn:aws:events:" + spec.Stack.Region + ":" + spec.Stack.AccountID + ":rule/" + name
	var j *job
	if text := p.Get("ScheduleExpression").TextOr(""); text != "" && p.Get("State").TextOr("ENABLED") != "DISABLED" {
		when, err := schedule.Parse(text, nil)
		if err != nil {
			return nil, diag.Errorf(spec.Pos, spec.LogicalID+".ScheduleExpression", "%v", err)
		}
		j = &job{resource: spec.LogicalID, when: when, caller: invoke.Caller{Service: "events.amazonaws.com", SourceARN: arn}}
		for _, t := range items(p.Get("Targets")) {
			if to := t.Get("Arn").TextOr(""); isFunction(to) {
				j.targets = append(j.targets, target{to, eventOf(t.Get("Input"), func(at time.Time) []byte {
					return scheduledEvent(spec.Stack, arn, "aws.events", at)
				})})
			}
		}
	}
	if err := h.s.run(arn, j); err != nil {
		return nil, err
	}
	return &resource.Instance{PhysicalID: name, Attributes: resource.Texts("Arn", arn)}, nil
}

// eventOf is an input that is always the same, or what makes the event.
func eventOf(input *document.Node, otherwise func(time.Time) []byte) func(time.Time) []byte {
	if text, ok := input.Scalar(); ok && text != "" {
		return func(time.Time) []byte { return []byte(text) }
	}
	return otherwise
}

// scheduledEvent is the event of a schedule (EventBridge User Guide, "Events
// from scheduled rules").
func scheduledEvent(stack resource.Stack, arn, source string, at time.Time) []byte {
	b, _ := json.Marshal(struct { // texts always marshal
		Version    string   `json:"version"`
		ID         string   `json:"id"`
		DetailType string   `json:"detail-type"`
		Source     string   `json:"source"`
		Account    string   `json:"account"`
		Time       string   `json:"time"`
		Region     string   `json:"region"`
		Resources  []string `json:"resources"`
		Detail     struct{} `json:"detail"`
	}{"0", awsapi.NewRequestID(), "Scheduled Event", source, stack.AccountID, at.UTC().Format("2006-01-02T15:04:05Z"), stack.Region, []string{arn}, struct{}{}})
	return b
}

func (h ruleHandler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	next, err := h.Create(ctx, spec)
	if err == nil && next.PhysicalID != old.PhysicalID {
		err = h.Delete(ctx, spec, old)
	}
	return next, err
}

func (h ruleHandler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	return h.s.run(old.Attr("Arn"), nil)
}

// scheduleHandler makes AWS::Scheduler::Schedule real.
type scheduleHandler struct{ s *Service }

func (scheduleHandler) Schema() resource.Schema {
	return resource.Schema{
		"Name": {}, "Description": {}, "GroupName": {}, "ScheduleExpression": {Required: true}, "ScheduleExpressionTimezone": {},
		"State": {}, "StartDate": {}, "EndDate": {}, "Target": {Required: true},
		"Target.Arn": {}, "Target.Input": {},
		"Target.RoleArn":          {Support: resource.Accepted, Why: "what the role may do is not asked when a schedule calls a function"},
		"Target.RetryPolicy":      {Support: resource.Accepted, Why: "functions here are always reached"},
		"Target.DeadLetterConfig": {Support: resource.Accepted, Why: "functions here are always reached"},
		"FlexibleTimeWindow":      {Support: resource.Accepted, Why: "schedules are exact here"},
		"KmsKeyArn":               {Support: resource.Accepted, Why: "nothing is encrypted with KMS here"},
	}
}

func zoneOf(p *document.Node) (*time.Location, error) {
	return time.LoadLocation(p.Get("ScheduleExpressionTimezone").TextOr("UTC"))
}

// Check finds schedules that AWS refuses, and targets that are no functions.
func (scheduleHandler) Check(spec resource.Spec) (out diag.List) {
	p := spec.Properties
	n := p.Get("ScheduleExpression")
	zone, err := zoneOf(p)
	if err != nil {
		out.Add(diag.Errorf(p.Get("ScheduleExpressionTimezone").Position(), spec.LogicalID+".ScheduleExpressionTimezone", "%v", err))
	} else if !n.IsNull() && !resource.Unknown(n) {
		if _, err := schedule.Parse(n.TextOr(""), zone); err != nil {
			out.Add(diag.Errorf(n.Pos, spec.LogicalID+".ScheduleExpression", "%v", err))
		}
	}
	checkTarget(&out, spec, p.Get("Target").Get("Arn"))
	return out
}

func (h scheduleHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	p := spec.Properties
	name := p.Get("Name").TextOr(spec.Stack.Name + "-" + spec.LogicalID)
	arn := "arn:aws:scheduler:" + spec.Stack.Region + ":" + spec.Stack.AccountID + ":schedule/" + p.Get("GroupName").TextOr("default") + "/" + name
	zone, err := zoneOf(p)
	if err != nil {
		return nil, diag.Errorf(spec.Pos, spec.LogicalID+".ScheduleExpressionTimezone", "%v", err)
	}
	when, err := schedule.Parse(p.Get("ScheduleExpression").TextOr(""), zone)
	if err != nil {
		return nil, diag.Errorf(spec.Pos, spec.LogicalID+".ScheduleExpression", "%v", err)
	}
	var j *job
	if to := p.Get("Target").Get("Arn").TextOr(""); isFunction(to) && p.Get("State").TextOr("ENABLED") != "DISABLED" {
		j = &job{resource: spec.LogicalID, when: when, start: date(p.Get("StartDate")), end: date(p.Get("EndDate"))}
		j.targets = []target{{to, eventOf(p.Get("Target").Get("Input"), func(at time.Time) []byte {
			return scheduledEvent(spec.Stack, arn, "aws.scheduler", at)
		})}}
	}
	if err := h.s.run(arn, j); err != nil {
		return nil, err
	}
	return &resource.Instance{PhysicalID: name, Attributes: resource.Texts("Arn", arn)}, nil
}

// date reads a StartDate or EndDate; zero when there is none.
func date(n *document.Node) time.Time {
	t, err := time.Parse(time.RFC3339, n.TextOr(""))
	if err != nil {
		return time.Time{}
	}
	return t
}

func (h scheduleHandler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	next, err := h.Create(ctx, spec)
	if err == nil && next.Attr("Arn") != old.Attr("Arn") {
		err = h.Delete(ctx, spec, old)
	}
	return next, err
}

func (h scheduleHandler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	return h.s.run(old.Attr("Arn"), nil)
}
