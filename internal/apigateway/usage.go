package apigateway

import (
	"context"
	"slices"

	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// keyFromAuthorizer is the ApiKeySelectionExpression that is not the default,
// $request.header.x-api-key.
const keyFromAuthorizer = "$context.authorizer.usageIdentifierKey"

const keyLength = 40

// usage is what says which API keys are good for which stages. Service.mu
// guards it.
type usage struct {
	keys     map[string]*key              // by id
	plans    map[string]*usagePlan        // by id
	assigned map[string]map[string]string // by the UsagePlanKey's id: "key" and "plan"
}

type key struct {
	value    string
	disabled bool
}

// usagePlan has the stages by API id. Every key has its own bounds.
type usagePlan struct {
	stages map[string][]string
	bounds map[string]*websocketapi.Plan // by key id
	p      *document.Node
}

// keysOf are the keys that usage plans make good for an API. s.mu is held.
func (s *Service) keysOf(a *api) map[string]*websocketapi.Key {
	all := map[string]*websocketapi.Key{}
	for _, assigned := range s.usage.assigned {
		k, plan := s.usage.keys[assigned["key"]], s.usage.plans[assigned["plan"]]
		if k == nil || plan == nil {
			continue
		}
		for _, stage := range plan.stages[a.id] {
			if all[k.value] == nil {
				all[k.value] = &websocketapi.Key{
					ID: assigned["key"], Value: k.value, Disabled: k.disabled, Plans: map[string]*websocketapi.Plan{},
				}
			}
			all[k.value].Plans[stage] = plan.of(assigned["key"])
		}
	}
	return all
}

// of returns a key's bounds, which outlive changes of other resources.
func (u *usagePlan) of(keyID string) *websocketapi.Plan {
	if b := u.bounds[keyID]; b != nil {
		return b
	}
	b := &websocketapi.Plan{Throttle: throttle(u.p.Get("Throttle"), "RateLimit", "BurstLimit")}
	if q := u.p.Get("Quota"); !q.IsNull() {
		b.Quota = &websocketapi.Quota{
			Limit: q.Get("Limit").IntegerOr(0), Offset: q.Get("Offset").IntegerOr(0), Period: q.Get("Period").TextOr(""),
		}
	}
	u.bounds[keyID] = b
	return b
}

// usageHandler makes the three types, whose resources belong to no API.
type usageHandler struct {
	service *Service
	schema  resource.Schema
	put     func(s *Service, spec resource.Spec) (*resource.Instance, error)
}

func (h *usageHandler) Schema() resource.Schema { return h.schema }

// Check implements resource.Checker.
func (h *usageHandler) Check(spec resource.Spec) diag.List {
	switch spec.Type {
	case typeUsagePlanKey:
		if kind, ok := text(spec, "KeyType"); ok && kind != "API_KEY" {
			return diag.List{fault(spec, "KeyType", "the only type is API_KEY, not %q", kind)}
		}
	case typeAPIKey:
		if v, ok := text(spec, "Value"); ok && (len(v) < 20 || len(v) > 128) {
			return diag.List{fault(spec, "Value", "an API key has 20 to 128 characters, not %d", len(v))}
		}
	case typeUsagePlan:
		period := spec.Properties.Get("Quota").Get("Period")
		if v, ok := period.Scalar(); ok && !resource.Unknown(period) && !slices.Contains([]string{"DAY", "WEEK", "MONTH"}, v) {
			return diag.List{diag.Errorf(period.Pos, spec.LogicalID+".Quota.Period", "%q is not among DAY, WEEK, MONTH", v)}
		}
	}
	return nil
}

func (h *usageHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	if err := h.Check(spec).Err(); err != nil {
		return nil, err
	}
	s := h.service
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := h.put(s, spec)
	if err == nil {
		s.changeAll()
	}
	return i, err
}

func (h *usageHandler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	i, err := h.Create(ctx, spec)
	if err == nil && i.PhysicalID != old.PhysicalID {
		err = h.Delete(ctx, spec, old)
	}
	return i, err
}

func (h *usageHandler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	s := h.service
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.usage.keys, old.PhysicalID)
	delete(s.usage.plans, old.PhysicalID)
	delete(s.usage.assigned, old.PhysicalID)
	s.changeAll()
	return nil
}

// changeAll: keys and plans count for any API. s.mu is held.
func (s *Service) changeAll() {
	for _, a := range s.apis {
		a.changed = true
	}
}

// putKey makes an API key. A value that the template does not give is stable,
// and said once: there is no console to look it up in.
func (s *Service) putKey(spec resource.Spec) (*resource.Instance, error) {
	id := stableID(apiIDLength, spec.Stack.Name, spec.LogicalID)
	value := spec.Properties.Get("Value").TextOr("")
	if value == "" {
		for len(value) < keyLength {
			value += stableID(10, spec.Stack.Name, spec.LogicalID, value)
		}
		if s.usage.keys[id] == nil {
			s.notice(spec.LogicalID, "the API key is "+value)
		}
	}
	if s.usage.keys == nil {
		s.usage.keys = map[string]*key{}
	}
	s.usage.keys[id] = &key{value: value, disabled: !spec.Properties.Get("Enabled").TruthOr(false)}
	return &resource.Instance{PhysicalID: id, Attributes: resource.Texts("APIKeyId", id)}, nil
}

func (s *Service) putPlan(spec resource.Spec) (*resource.Instance, error) {
	id := stableID(6, spec.Stack.Name, spec.LogicalID)
	u := &usagePlan{stages: map[string][]string{}, bounds: map[string]*websocketapi.Plan{}, p: spec.Properties}
	if stages := spec.Properties.Get("ApiStages"); stages != nil {
		for _, one := range stages.Items {
			api := one.Get("ApiId").TextOr("")
			u.stages[api] = append(u.stages[api], one.Get("Stage").TextOr(""))
		}
	}
	if s.usage.plans == nil {
		s.usage.plans = map[string]*usagePlan{}
	}
	s.usage.plans[id] = u
	return &resource.Instance{PhysicalID: id, Attributes: resource.Texts("Id", id)}, nil
}

func (s *Service) putPlanKey(spec resource.Spec) (*resource.Instance, error) {
	keyID, _ := text(spec, "KeyId")
	planID, _ := text(spec, "UsagePlanId")
	if s.usage.keys[keyID] == nil {
		return nil, fault(spec, "KeyId", "the app has no API key with the id %q", keyID).WithHint("refer to it with Ref")
	}
	if s.usage.plans[planID] == nil {
		return nil, fault(spec, "UsagePlanId", "the app has no usage plan with the id %q", planID).WithHint("refer to it with Ref")
	}
	if s.usage.assigned == nil {
		s.usage.assigned = map[string]map[string]string{}
	}
	id := keyID + ":" + planID
	s.usage.assigned[id] = map[string]string{"key": keyID, "plan": planID}
	return &resource.Instance{PhysicalID: id, Attributes: resource.Texts("Id", id)}, nil
}
