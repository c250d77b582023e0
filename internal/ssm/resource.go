package ssm

import (
	"context"
	"crypto/sha256"
	"encoding/base32"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Handlers are the resource types the service owns.
func (s *Service) Handlers() map[string]resource.Handler {
	return map[string]resource.Handler{"AWS::SSM::Parameter": parameterHandler{s}}
}

// parameterHandler makes AWS::SSM::Parameter real.
type parameterHandler struct{ s *Service }

func (parameterHandler) Schema() resource.Schema {
	return resource.Schema{
		"Type": {Required: true}, "Value": {Required: true}, "Name": {}, "Description": {}, "DataType": {},
		"AllowedPattern": {Support: resource.Accepted, Why: "values are not held against a pattern here"},
		"Policies":       {Support: resource.Accepted, Why: "parameters do not expire here"},
		"Tags":           {Support: resource.Accepted, Why: "tags have no effect here"},
		"Tier":           {Support: resource.Accepted, Why: "nothing costs money here"},
	}
}

func (h parameterHandler) Check(spec resource.Spec) diag.List {
	t := spec.Properties.Get("Type")
	if text, ok := t.Scalar(); ok && !resource.Unknown(t) && text != typeString && text != typeList {
		return diag.List{diag.Errorf(t.Pos, spec.LogicalID+".Type", "is String or StringList; CloudFormation makes no %s", text)}
	}
	return nil
}

func (h parameterHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	p := spec.Properties
	name := p.Get("Name").TextOr("")
	if name == "" {
		sum := sha256.Sum256([]byte(spec.Stack.Name + "/" + spec.LogicalID))
		name = "CFN-" + spec.LogicalID + "-" + base32.StdEncoding.EncodeToString(sum[:])[:12]
	}
	if problem := badName(name); problem != "" {
		return nil, diag.Errorf(p.Get("Name").Position(), spec.LogicalID+".Name", "%s", problem)
	}
	text := p.Get("Value").TextOr("")
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	kept := h.s.parameters[name]
	if kept == nil {
		kept = &parameter{}
	}
	kept.Type, kept.Description, kept.DataType = p.Get("Type").TextOr(typeString), p.Get("Description").TextOr(""), p.Get("DataType").TextOr("")
	if kept.Declared == nil || *kept.Declared != text {
		kept.Declared = &text
		if err := h.s.put(name, kept, text); err != nil {
			return nil, err
		}
	}
	return &resource.Instance{PhysicalID: name, Attributes: resource.Texts("Type", kept.Type, "Value", kept.last().Text)}, nil
}

func (h parameterHandler) Update(ctx context.Context, spec resource.Spec, old *resource.Instance, _ *document.Node) (*resource.Instance, error) {
	next, err := h.Create(ctx, spec)
	if err == nil && next.PhysicalID != old.PhysicalID {
		err = h.Delete(ctx, spec, old)
	}
	return next, err
}

func (h parameterHandler) Delete(_ context.Context, _ resource.Spec, old *resource.Instance) error {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	delete(h.s.parameters, old.PhysicalID)
	return h.s.save()
}
