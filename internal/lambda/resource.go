package lambda

import (
	"context"
	"fmt"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/async"
	"github.com/suiro-dev/suiro/internal/lambda/runtime"
	"github.com/suiro-dev/suiro/internal/lambda/webadapter"
	"github.com/suiro-dev/suiro/internal/resource"
)

// functionHandler makes AWS::Lambda::Function real.
type functionHandler struct{ s *Service }

func (functionHandler) Schema() resource.Schema { return functionSchema }

func (h functionHandler) Check(spec resource.Spec) diag.List {
	out := append(checkFunction(spec, h.s.cfg.Starts), checkAdapter(spec)...)
	layers := spec.Properties.Get("Layers")
	if !resource.Unknown(layers) {
		for _, a := range h.s.layers.Missing(layers.Strings()) {
			if webadapter.IsLayer(a) {
				continue // Suiro's own adapter takes its place
			}
			if instead := runtime.PublicLayer(a); instead != "" {
				out.Add(diag.Notef(layers.Position(), spec.LogicalID+".Layers", "%s: %s", a, instead))
				continue
			}
			out.Add(diag.Warningf(layers.Position(), spec.LogicalID+".Layers", "%s is not a layer of this app; its files are not there", a).
				WithHint("copy what the function needs of it into the app"))
		}
	}
	return out
}

func (h functionHandler) Create(ctx context.Context, spec resource.Spec) (*resource.Instance, error) {
	if err := checkFunction(spec, h.s.cfg.Starts).Err(); err != nil {
		return nil, err
	}
	name := spec.Properties.Get("FunctionName").TextOr("")
	if name == "" {
		name = spec.Stack.GeneratedName(spec.LogicalID, longestName)
	}
	if err := h.s.start(); err != nil {
		return nil, err
	}
	fn := h.s.newFunction(spec, name)
	if err := fn.deploy(ctx, readFunction(spec, name)); err != nil {
		fn.pool.close(canceled())
		return nil, err
	}
	if err := h.s.add(spec, fn); err != nil {
		fn.pool.close(canceled())
		return nil, err
	}
	return fn.instance(), nil
}

// add makes a function callable, unless its name is taken.
func (s *Service) add(spec resource.Spec, fn *function) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return errPoolClosed
	}
	if other := s.functions[fn.name]; other != nil {
		at := spec.Properties.Get("FunctionName").Position()
		return diag.Errorf(at, spec.LogicalID+".FunctionName", "%s is the name of %s already", fn.name, other.logicalID)
	}
	s.functions[fn.name] = fn
	s.events.Start(fn.name)
	return nil
}

// canceled is a context that is over: nothing is worth waiting for.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func (fn *function) instance() *resource.Instance {
	attributes := resource.Texts("Arn", fn.arn)
	attributes["SnapStartResponse"] = document.Object(diag.Position{})
	return &resource.Instance{PhysicalID: fn.name, Attributes: attributes}
}

// Update builds the new code beside the running one; invocations that run
// finish on the old. A new name is a new function.
func (h functionHandler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, before *document.Node) (*resource.Instance, error) {
	name := spec.Properties.Get("FunctionName").TextOr("")
	if name == "" {
		name = spec.Stack.GeneratedName(spec.LogicalID, longestName)
	}
	fn := h.s.function(old.PhysicalID)
	if fn == nil || fn.name != name {
		instance, err := h.Create(ctx, spec)
		if err == nil {
			h.s.remove(old.PhysicalID)
		}
		return instance, err
	}
	if err := checkFunction(spec, h.s.cfg.Starts).Err(); err != nil {
		return nil, err
	}
	if err := fn.deploy(ctx, readFunction(spec, name)); err != nil {
		return nil, err
	}
	return fn.instance(), nil
}

func (h functionHandler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	h.s.remove(old.PhysicalID)
	return nil
}

// remove ends a function; what runs is not waited for.
func (s *Service) remove(name string) {
	s.mu.Lock()
	fn := s.functions[name]
	delete(s.functions, name)
	s.mu.Unlock()
	if fn == nil {
		return
	}
	fn.pool.close(canceled())
	if err := s.events.Drop(context.Background(), name); err != nil {
		s.cfg.Journal.Publish(journal.Entry{Kind: journal.Noticed, Resource: fn.logicalID, Function: name, Text: "its asynchronous events were not removed", Err: err.Error()})
	}
}

// needFunction finds the function that a property names.
func (s *Service) needFunction(spec resource.Spec, property string) (*function, string, error) {
	n := spec.Properties.Get(property)
	ref, ok := parseReference(n.TextOr(""))
	key := spec.LogicalID + "." + property
	if !ok {
		return nil, "", diag.Errorf(spec.At(n), key, "%q names no function", n.TextOr(""))
	}
	fn := s.function(ref.name)
	if fn == nil {
		return nil, "", diag.Errorf(spec.At(n), key, "there is no function %s in this app", ref.name).
			WithHint("refer to a function of the template with Ref")
	}
	return fn, ref.qualifier, nil
}

// versionHandler makes AWS::Lambda::Version real.
type versionHandler struct{ s *Service }

func (versionHandler) Schema() resource.Schema {
	return resource.Schema{
		"FunctionName":                 {Required: true},
		"Description":                  {},
		"CodeSha256":                   {Support: resource.Accepted, Why: "versions are not tied to one build here"},
		"ProvisionedConcurrencyConfig": {Support: resource.Accepted, Why: "environments start when they are needed"},
		"RuntimePolicy":                {Support: resource.Accepted, Why: "the runtime is this machine's own"},
		"FunctionScalingConfig":        {Support: resource.Missing, Why: "managed instances do not exist here; the function runs on demand"},
	}
}

func (h versionHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	fn, _, err := h.s.needFunction(spec, "FunctionName")
	if err != nil {
		return nil, err
	}
	number := fn.publish(spec.Properties.Get("Description").TextOr(""))
	arn := fn.arn + ":" + number
	return &resource.Instance{PhysicalID: arn, Attributes: resource.Texts("FunctionArn", arn, "Version", number)}, nil
}

func (h versionHandler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return h.Create(ctx, spec) // every change of a version is a replacement
}

func (h versionHandler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	ref, _ := parseReference(old.PhysicalID)
	if fn := h.s.function(ref.name); fn != nil {
		fn.mu.Lock()
		defer fn.mu.Unlock()
		delete(fn.versions, ref.qualifier)
	}
	return nil
}

// aliasHandler makes AWS::Lambda::Alias real.
type aliasHandler struct{ s *Service }

func (aliasHandler) Schema() resource.Schema {
	return resource.Schema{
		"FunctionName":                 {Required: true},
		"FunctionVersion":              {Required: true},
		"Name":                         {Required: true},
		"Description":                  {},
		"RoutingConfig":                {Support: resource.Missing, Why: "all calls of an alias go to its main version"},
		"ProvisionedConcurrencyConfig": {Support: resource.Accepted, Why: "environments start when they are needed"},
	}
}

func (h aliasHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	fn, _, err := h.s.needFunction(spec, "FunctionName")
	if err != nil {
		return nil, err
	}
	name, version := spec.Properties.Get("Name").TextOr(""), spec.Properties.Get("FunctionVersion")
	number, err := fn.version(version.TextOr(""))
	if err != nil {
		return nil, diag.Errorf(spec.At(version), spec.LogicalID+".FunctionVersion", "function %s has no version %s", fn.name, version.TextOr(""))
	}
	fn.mu.Lock()
	defer fn.mu.Unlock()
	fn.aliases[name] = number
	arn := fn.arn + ":" + name
	return &resource.Instance{PhysicalID: arn, Attributes: resource.Texts("AliasArn", arn)}, nil
}

func (h aliasHandler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	next, err := h.Create(ctx, spec)
	if err == nil && next.PhysicalID != old.PhysicalID {
		err = h.Delete(ctx, spec, old)
	}
	return next, err
}

func (h aliasHandler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	ref, _ := parseReference(old.PhysicalID)
	if fn := h.s.function(ref.name); fn != nil {
		fn.mu.Lock()
		defer fn.mu.Unlock()
		delete(fn.aliases, ref.qualifier)
	}
	return nil
}

// eventInvokeHandler makes AWS::Lambda::EventInvokeConfig real.
type eventInvokeHandler struct{ s *Service }

func (eventInvokeHandler) Schema() resource.Schema {
	return resource.Schema{
		"FunctionName":             {Required: true},
		"Qualifier":                {Required: true},
		"MaximumRetryAttempts":     {},
		"MaximumEventAgeInSeconds": {},
		"DestinationConfig":        {},
	}
}

// Check says which destinations do not work: only functions do.
func (eventInvokeHandler) Check(spec resource.Spec) (out diag.List) {
	for _, when := range []string{"OnSuccess", "OnFailure"} {
		n := spec.Properties.Get("DestinationConfig").Get(when).Get("Destination")
		if n.IsNull() || resource.Unknown(n) {
			continue
		}
		if _, isFunction := functionDestination(n.TextOr("")); !isFunction {
			out.Add(diag.Warningf(n.Pos, spec.LogicalID+".DestinationConfig."+when, "only functions are destinations here; %s gets nothing", n.TextOr("")))
		}
	}
	return out
}

func (h eventInvokeHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	fn, qualifier, err := h.s.needFunction(spec, "FunctionName")
	if err != nil {
		return nil, err
	}
	p := spec.Properties
	if q := p.Get("Qualifier").TextOr(""); q != "" {
		qualifier = q
	}
	destination := func(when string) async.Destination {
		return async.Destination{Destination: p.Get("DestinationConfig").Get(when).Get("Destination").TextOr("")}
	}
	number := func(name string) *int {
		if p.Get(name).IsNull() {
			return nil
		}
		n := p.Get(name).IntegerOr(0)
		return &n
	}
	fn.async.Put(unqualified(qualifier), async.Settings{
		MaximumRetryAttempts: number("MaximumRetryAttempts"), MaximumEventAgeInSeconds: number("MaximumEventAgeInSeconds"),
		DestinationConfig: &async.Destinations{OnSuccess: destination("OnSuccess"), OnFailure: destination("OnFailure")},
	})
	return &resource.Instance{PhysicalID: fmt.Sprintf("%s|%s", fn.name, unqualified(qualifier))}, nil
}

func (h eventInvokeHandler) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return h.Create(ctx, spec)
}

func (h eventInvokeHandler) Delete(_ context.Context, spec resource.Spec, _ *resource.Instance) error {
	ref, _ := parseReference(spec.Properties.Get("FunctionName").TextOr(""))
	if fn := h.s.function(ref.name); fn != nil {
		fn.async.Delete(unqualified(spec.Properties.Get("Qualifier").TextOr("")))
	}
	return nil
}

// unqualified takes $LATEST for the unqualified function.
func unqualified(qualifier string) string {
	if qualifier == latest {
		return ""
	}
	return qualifier
}
