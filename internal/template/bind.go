package template

import (
	"crypto/sha256"
	"fmt"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// Env answers for what stands outside the template: resources that exist,
// exports of other stacks, the parameter store and the secrets manager. It
// must be safe for concurrent use when Resolve is used concurrently.
//
// A false result means that there is no such thing and becomes an error at
// the place that asked. Before anything runs, an Env answers with
// [resource.UnknownText].
type Env interface {
	// Ref is the physical id of a resource that exists.
	Ref(logicalID string) (*document.Node, bool)
	// GetAtt is an attribute of a resource that exists; attribute names may
	// hold dots.
	GetAtt(logicalID, attribute string) (*document.Node, bool)
	// Import is the value another stack exports under a name.
	Import(exportName string) (*document.Node, bool)
	// Dynamic is a parameter or secret: service is ssm, ssm-secure or
	// secretsmanager, key what follows it in {{resolve:service:key}}.
	Dynamic(service, key string) (*document.Node, bool)
}

// unknownEnv answers for an app of which nothing runs.
type unknownEnv struct{}

func unknown(what string) (*document.Node, bool) {
	return document.Str(resource.UnknownText(what), diag.Position{}), true
}

func (unknownEnv) Ref(id string) (*document.Node, bool)          { return unknown(id) }
func (unknownEnv) GetAtt(id, attr string) (*document.Node, bool) { return unknown(id + "." + attr) }
func (unknownEnv) Import(name string) (*document.Node, bool)     { return unknown(name) }
func (unknownEnv) Dynamic(s, k string) (*document.Node, bool)    { return unknown(s + ":" + k) }

// Bound is a template with its parameter values chosen, for one stack. It is
// not changed after Bind and safe for concurrent use.
type Bound struct {
	t          *Template
	stack      resource.Stack
	env        Env
	values     map[string]*document.Node
	conditions map[string]bool
	resources  []*Resource // whose condition holds
	outputs    []*Output   // whose condition holds
	position   map[string]int
	needs      map[string][]string
	owners     map[*document.Node]string
}

// Bind chooses parameter values (given ones before defaults), evaluates the
// conditions and checks every reference. A nil env knows no values yet and
// gives unknown ones. Bound is never nil; it is usable when the list holds no
// errors.
func (t *Template) Bind(stack resource.Stack, params map[string]string, env Env) (*Bound, diag.List) {
	var msgs diag.List
	if env == nil {
		env = unknownEnv{}
	}
	b := &Bound{
		t: t, stack: stack, env: env, values: map[string]*document.Node{}, conditions: map[string]bool{},
		position: map[string]int{}, needs: map[string][]string{}, owners: map[*document.Node]string{},
	}
	b.bindParameters(params, &msgs)
	if t.loops && !msgs.HasErrors() {
		b.expandLoops(&msgs)
	}
	b.evaluateConditions(&msgs)
	for _, r := range b.t.Resources {
		if b.holds(r.Condition, r.condition, r.LogicalID, &msgs) {
			b.position[r.LogicalID] = len(b.resources)
			b.resources = append(b.resources, r)
			b.owners[r.Properties] = r.LogicalID
		}
	}
	for _, o := range b.t.Outputs {
		if b.holds(o.Condition, o.condition, "Outputs."+o.Name, &msgs) {
			b.outputs = append(b.outputs, o)
			b.owners[o.Value] = "Outputs." + o.Name
			if o.ExportName != nil {
				b.owners[o.ExportName] = "Outputs." + o.Name + ".Export.Name"
			}
		}
	}
	b.checkReferences(&msgs)
	for _, r := range b.resources {
		b.needs[r.LogicalID] = b.dependencies(r)
	}
	return b, msgs
}

// holds tells whether the condition a resource or output names is true.
func (b *Bound) holds(name string, n *document.Node, key string, msgs *diag.List) bool {
	if n.IsNull() {
		return true
	}
	if _, ok := n.Scalar(); !ok {
		msgs.Add(diag.Errorf(n.Pos, key+".Condition", "Condition names an entry of the Conditions section; it is not a %s", n.Kind))
		return false
	}
	v, known := b.conditions[name]
	if !known {
		msgs.Add(diag.Errorf(n.Pos, key+".Condition", "the template has no condition %q", name).
			WithHint("%s", diag.DidYouMean(name, b.t.conditions.Keys())))
	}
	return v
}

// Template is what was bound, Fn::ForEach expanded.
func (b *Bound) Template() *Template { return b.t }

// Stack holds the values of the pseudo parameters.
func (b *Bound) Stack() resource.Stack { return b.stack }

// Resources are those whose condition holds, in template order.
func (b *Bound) Resources() []*Resource { return b.resources }

// Outputs are those whose condition holds, in template order.
func (b *Bound) Outputs() []*Output { return b.outputs }

// Parameter is the value of a parameter: a String node, or a List of them.
func (b *Bound) Parameter(name string) (*document.Node, bool) {
	v, ok := b.values[name]
	return v, ok
}

// Dependencies lists the logical ids that r needs first: those of DependsOn,
// Ref, Fn::GetAtt and Fn::Sub, without repetitions, in template order.
// References in the branch of Fn::If that is not taken do not count, nor do
// resources whose condition is false.
func (b *Bound) Dependencies(r *Resource) []string { return b.needs[r.LogicalID] }

// pseudo returns the value of a pseudo parameter.
func (b *Bound) pseudo(name string, at diag.Position) (*document.Node, bool) {
	switch name {
	case "AWS::Region":
		return document.Str(b.stack.Region, at), true
	case "AWS::AccountId":
		return document.Str(b.stack.AccountID, at), true
	case "AWS::Partition":
		return document.Str(b.stack.Partition, at), true
	case "AWS::URLSuffix":
		return document.Str(b.stack.URLSuffix, at), true
	case "AWS::StackName":
		return document.Str(b.stack.Name, at), true
	case "AWS::StackId":
		return document.Str(b.stackID(), at), true
	case "AWS::NotificationARNs":
		return document.Seq(at), true
	}
	return nil, false
}

// pseudoNames are the pseudo parameters.
var pseudoNames = []string{
	"AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region", "AWS::StackId",
	"AWS::StackName", "AWS::URLSuffix",
}

// stackID is the ARN of the stack. Its last part is a UUID on AWS; here it
// follows from the stack, so that it is the same at every start.
func (b *Bound) stackID() string {
	s := b.stack
	h := sha256.Sum256([]byte(s.Partition + "/" + s.AccountID + "/" + s.Region + "/" + s.Name))
	return fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/%x-%x-%x-%x-%x",
		s.Partition, s.Region, s.AccountID, s.Name, h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}
