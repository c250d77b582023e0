package iam

import (
	"context"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// policyHandler owns AWS::IAM::Policy and AWS::IAM::RolePolicy: inline
// policies that stand beside the roles they are for.
type policyHandler struct {
	service *Service
	schema  resource.Schema
}

var policySchema = resource.Schema{
	"PolicyDocument": required,
	"PolicyName":     required,
	"Roles":          supported,
	"Groups":         onUsers,
	"Users":          onUsers,
}

var rolePolicySchema = resource.Schema{
	"PolicyDocument": required,
	"PolicyName":     required,
	"RoleName":       required,
}

// Schema implements resource.Handler.
func (h *policyHandler) Schema() resource.Schema { return h.schema }

// Check implements resource.Checker.
func (h *policyHandler) Check(spec resource.Spec) diag.List {
	_, msgs := readPolicy(spec, "", "PolicyDocument", spec.Properties.Get("PolicyDocument"))
	return msgs
}

// Create implements resource.Handler.
func (h *policyHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	name := spec.Properties.Get("PolicyName").TextOr("")
	policy, msgs := readPolicy(spec, name, "PolicyDocument", spec.Properties.Get("PolicyDocument"))
	if err := msgs.Err(); err != nil {
		return nil, err
	}
	roles := append(spec.Properties.Get("Roles").Strings(), spec.Properties.Get("RoleName").Strings()...)
	h.service.mu.Lock()
	defer h.service.mu.Unlock()
	h.service.attached[stackKey(spec)] = attachment{policy, roles}
	h.service.changed()
	id := physicalName(spec, 64)
	return &resource.Instance{PhysicalID: id, Attributes: resource.Texts("Id", id)}, nil
}

// Update implements resource.Handler.
func (h *policyHandler) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return h.Create(ctx, spec)
}

// Delete implements resource.Handler.
func (h *policyHandler) Delete(_ context.Context, spec resource.Spec, _ *resource.Instance) error {
	h.service.mu.Lock()
	defer h.service.mu.Unlock()
	delete(h.service.attached, stackKey(spec))
	h.service.changed()
	return nil
}

// managedHandler owns AWS::IAM::ManagedPolicy: a policy with an ARN, which
// roles name, or which names roles.
type managedHandler struct{ service *Service }

var managedSchema = resource.Schema{
	"Description":       descriptive,
	"ManagedPolicyName": supported,
	"Path":              supported,
	"PolicyDocument":    required,
	"Roles":             supported,
	"Groups":            onUsers,
	"Users":             onUsers,
}

// Schema implements resource.Handler.
func (h *managedHandler) Schema() resource.Schema { return managedSchema }

// Check implements resource.Checker.
func (h *managedHandler) Check(spec resource.Spec) diag.List {
	_, msgs := readPolicy(spec, "", "PolicyDocument", spec.Properties.Get("PolicyDocument"))
	msgs.Add(checkPath(spec))
	return msgs
}

// Create implements resource.Handler.
func (h *managedHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	if err := h.Check(spec).Err(); err != nil {
		return nil, err
	}
	p, s := spec.Properties, h.service
	name := p.Get("ManagedPolicyName").TextOr("")
	if name == "" {
		name = physicalName(spec, 128)
	}
	policy, _ := readPolicy(spec, name, "PolicyDocument", p.Get("PolicyDocument"))
	policyARN := s.iamARN(spec, "policy", p.Get("Path").TextOr("/"), name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attached[stackKey(spec)] = attachment{policy, p.Get("Roles").Strings()}
	s.managed[policyARN] = policy
	s.changed()
	return &resource.Instance{PhysicalID: policyARN,
		Attributes: resource.Texts("PolicyArn", policyARN, "PolicyId", stableID("ANPA", policyARN), "DefaultVersionId", "v1")}, nil
}

// Update implements resource.Handler.
func (h *managedHandler) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return h.Create(ctx, spec)
}

// Delete implements resource.Handler. After a replacement, the attachment
// belongs to the successor.
func (h *managedHandler) Delete(_ context.Context, spec resource.Spec, old *resource.Instance) error {
	s := h.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if old == nil {
		return nil
	}
	if a := s.attached[stackKey(spec)]; a.policy.Name == lastSegment(old.PhysicalID) {
		delete(s.attached, stackKey(spec))
	}
	delete(s.managed, old.PhysicalID)
	s.changed()
	return nil
}
