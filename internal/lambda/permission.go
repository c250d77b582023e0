package lambda

import (
	"context"
	"net/http"
	"strings"

	"github.com/suiro-dev/suiro/internal/arn"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/invoke"
	"github.com/suiro-dev/suiro/internal/resource"
)

// permission is one statement of a function's resource policy.
type permission struct {
	action        string
	principal     string
	sourceARN     string // a pattern; "" matches everything
	sourceAccount string
	qualifier     string // the alias or version it is for; "" the function itself
	urlAuthType   string
	viaURL        bool // InvokedViaFunctionUrl
}

// permissionHandler makes AWS::Lambda::Permission real.
type permissionHandler struct{ s *Service }

func (permissionHandler) Schema() resource.Schema {
	return resource.Schema{
		"Action":                {Required: true},
		"FunctionName":          {Required: true},
		"Principal":             {Required: true},
		"SourceArn":             {},
		"SourceAccount":         {},
		"FunctionUrlAuthType":   {},
		"InvokedViaFunctionUrl": {},
		"EventSourceToken":      {Support: resource.Accepted, Why: "Alexa skills do not call functions here"},
		"PrincipalOrgID":        {Support: resource.Accepted, Why: "there are no organizations here"},
	}
}

// Check finds actions that give nothing.
func (permissionHandler) Check(spec resource.Spec) (out diag.List) {
	n := spec.Properties.Get("Action")
	if a, ok := n.Scalar(); ok && !resource.Unknown(n) && !strings.HasPrefix(a, "lambda:") && a != "*" {
		out.Add(diag.Errorf(n.Pos, spec.LogicalID+".Action", "%q is not an action of Lambda", a).WithHint("lambda:InvokeFunction"))
	}
	return out
}

func (h permissionHandler) Create(_ context.Context, spec resource.Spec) (*resource.Instance, error) {
	fn, qualifier, err := h.s.needFunction(spec, "FunctionName")
	if err != nil {
		return nil, err
	}
	p := spec.Properties
	fn.mu.Lock()
	defer fn.mu.Unlock()
	fn.permissions[spec.Stack.Name+"/"+spec.LogicalID] = permission{
		action:        p.Get("Action").TextOr(""),
		principal:     p.Get("Principal").TextOr(""),
		sourceARN:     p.Get("SourceArn").TextOr(""),
		sourceAccount: p.Get("SourceAccount").TextOr(""),
		qualifier:     unqualified(qualifier),
		urlAuthType:   p.Get("FunctionUrlAuthType").TextOr(""),
		viaURL:        p.Get("InvokedViaFunctionUrl").TruthOr(false),
	}
	id := spec.Stack.GeneratedName(spec.LogicalID, longestName)
	return &resource.Instance{PhysicalID: id, Attributes: resource.Texts("Id", id)}, nil
}

// Update moves the statement when it names another function now.
func (h permissionHandler) Update(ctx context.Context, spec resource.Spec, _ *resource.Instance, before *document.Node) (*resource.Instance, error) {
	next, err := h.Create(ctx, spec)
	if err == nil && before.Get("FunctionName").TextOr("") != spec.Properties.Get("FunctionName").TextOr("") {
		h.drop(spec, before)
	}
	return next, err
}

func (h permissionHandler) Delete(_ context.Context, spec resource.Spec, _ *resource.Instance) error {
	h.drop(spec, spec.Properties)
	return nil
}

func (h permissionHandler) drop(spec resource.Spec, properties *document.Node) {
	ref, _ := parseReference(properties.Get("FunctionName").TextOr(""))
	if fn := h.s.function(ref.name); fn != nil {
		fn.mu.Lock()
		defer fn.mu.Unlock()
		delete(fn.permissions, spec.Stack.Name+"/"+spec.LogicalID)
	}
}

// permits tells whether the function's policy lets a service act on it by way
// of a source.
func (fn *function) permits(action, qualifier string, c invoke.Caller) bool {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	for _, p := range fn.permissions {
		if p.qualifier == unqualified(qualifier) && p.allows(action, fn.stack.AccountID, c) {
			return true
		}
	}
	return false
}

func (p permission) allows(action, account string, c invoke.Caller) bool {
	return arn.LikeFold(p.action, action) &&
		(p.principal == c.Service || p.principal == "*") &&
		(p.sourceARN == "" || arn.Match(p.sourceARN, c.SourceARN)) &&
		(p.sourceAccount == "" || p.sourceAccount == account) &&
		p.urlAuthType == "" && !p.viaURL // those are for function URLs alone
}

// refused is what a service that may not call gets.
func (fn *function) refused(c invoke.Caller) error {
	return &invoke.Error{Status: http.StatusForbidden, Code: "AccessDeniedException",
		Message: "User: " + c.Service + " is not authorized to perform: lambda:InvokeFunction on resource: " + fn.arn +
			" because no resource-based policy allows the lambda:InvokeFunction action"}
}
