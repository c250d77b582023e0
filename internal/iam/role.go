package iam

import (
	"context"
	"fmt"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// roleHandler owns AWS::IAM::Role.
type roleHandler struct{ service *Service }

var roleSchema = resource.Schema{
	"AssumeRolePolicyDocument": required,
	"Description":              descriptive,
	"ManagedPolicyArns":        supported,
	"MaxSessionDuration":       without("credentials of functions stay good while Suiro runs"),
	"Path":                     supported,
	"PermissionsBoundary":      without("a permissions boundary does not limit the role here; policies do"),
	"Policies":                 supported,
	"Policies.PolicyDocument":  supported,
	"Policies.PolicyName":      supported,
	"RoleName":                 supported,
	"Tags":                     descriptive,
}

// Schema implements resource.Handler.
func (h *roleHandler) Schema() resource.Schema { return roleSchema }

// Check implements resource.Checker.
func (h *roleHandler) Check(spec resource.Spec) diag.List {
	_, msgs := h.read(spec)
	return msgs
}

// read makes the role that spec asks for.
func (h *roleHandler) read(spec resource.Spec) (*role, diag.List) {
	var msgs diag.List
	msgs.Add(checkPath(spec))
	p := spec.Properties
	r := &role{logicalID: spec.LogicalID, name: p.Get("RoleName").TextOr(""), managed: p.Get("ManagedPolicyArns").Strings()}
	if r.name == "" {
		r.name = physicalName(spec, 64)
	}
	r.arn = h.service.iamARN(spec, "role", p.Get("Path").TextOr("/"), r.name)
	r.id = stableID("AROA", r.arn)
	policies := p.Get("Policies")
	if policies == nil {
		return r, msgs
	}
	for i, it := range policies.Items {
		key := fmt.Sprintf("Policies[%d].PolicyDocument", i)
		policy, problems := readPolicy(spec, it.Get("PolicyName").TextOr(""), key, it.Get("PolicyDocument"))
		msgs.Add(problems...)
		r.inline = append(r.inline, policy)
	}
	return r, msgs
}

// Create implements resource.Handler.
func (h *roleHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	r, msgs := h.read(spec)
	if err := msgs.Err(); err != nil {
		return nil, err
	}
	s := h.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.roles[r.arn]; other != nil && other.logicalID != r.logicalID {
		return nil, diag.Errorf(spec.Properties.Get("RoleName").Position(), spec.LogicalID+".RoleName",
			"%s has this name already", other.logicalID)
	}
	s.roles[r.arn] = r
	s.changed()
	return &resource.Instance{PhysicalID: r.name, Attributes: resource.Texts("Arn", r.arn, "RoleId", r.id)}, nil
}

// Update implements resource.Handler. Another name or path is another role;
// the old one is deleted after it.
func (h *roleHandler) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	return h.Create(ctx, spec)
}

// Delete implements resource.Handler.
func (h *roleHandler) Delete(_ context.Context, spec resource.Spec, old *resource.Instance) error {
	s := h.service
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.roles[old.Attr("Arn")]; r != nil && r.logicalID == spec.LogicalID {
		delete(s.roles, r.arn)
		s.changed()
	}
	return nil
}
