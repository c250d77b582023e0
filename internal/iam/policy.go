package iam

import (
	"errors"
	"net/http"
	"strings"

	"github.com/suiro-dev/suiro/internal/arn"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Policy is a policy document, read.
type Policy struct {
	Name       string
	Statements []Statement
}

// Statement allows or denies some actions on some resources.
type Statement struct {
	Sid   string
	Allow bool
	// Actions match when NotActions is false, and all others when it is true;
	// Resources likewise.
	Actions      []string
	NotActions   bool
	Resources    []string
	NotResources bool
	Conditions   []Condition
	// variables says that ${...} in resources and conditions is replaced.
	variables bool
}

// variablesVersion is the policy version that knows ${...}; in documents
// without a Version, which are of the older one, it is ordinary text.
const variablesVersion = "2012-10-17"

// ParsePolicy reads an identity-based policy: a document, or JSON text that
// holds one. Names say what is wrong where; key names the property.
func ParsePolicy(name, key string, doc *document.Node) (Policy, diag.List) {
	p := Policy{Name: name}
	var msgs diag.List
	if text, ok := doc.Scalar(); ok {
		parsed, err := document.FromJSON([]byte(text), doc.Pos)
		if err != nil {
			msgs.Add(diag.Errorf(doc.Pos, key, "this is no policy document: %v", err))
			return p, msgs
		}
		doc = parsed
	}
	statements := doc.Get("Statement")
	if statements.IsNull() {
		msgs.Add(diag.Errorf(doc.Position(), key, "a policy document needs a Statement"))
		return p, msgs
	}
	items := statements.Items
	if statements.Kind == document.Map {
		items = []*document.Node{statements}
	}
	variables := doc.Get("Version").TextOr("") == variablesVersion
	for _, it := range items {
		st, problems := parseStatement(key+".Statement", it)
		st.variables = variables
		msgs.Add(problems...)
		p.Statements = append(p.Statements, st)
	}
	return p, msgs
}

func parseStatement(key string, n *document.Node) (Statement, diag.List) {
	var msgs diag.List
	st := Statement{Sid: n.Get("Sid").TextOr("")}
	switch effect := n.Get("Effect").TextOr(""); effect {
	case "Allow":
		st.Allow = true
	case "Deny":
	default:
		msgs.Add(diag.Errorf(position(n, "Effect"), key+".Effect", "must be Allow or Deny"))
	}
	st.Actions, st.NotActions = either(n, key, "Action", &msgs)
	st.Resources, st.NotResources = either(n, key, "Resource", &msgs)
	for i, a := range st.Actions {
		if a != "*" && !strings.Contains(a, ":") {
			msgs.Add(diag.Errorf(position(n, "Action"), key+".Action", "%q is no action: write service:Action", a))
		}
		st.Actions[i] = strings.ToLower(a) // compared without regard to case
	}
	if c := n.Get("Condition"); !c.IsNull() {
		var problems diag.List
		st.Conditions, problems = parseConditions(key+".Condition", c)
		msgs.Add(problems...)
	}
	return st, msgs
}

// either reads an element that also exists in a negated form, of which one
// must stand there.
func either(n *document.Node, key, name string, msgs *diag.List) (values []string, negated bool) {
	if v := n.Get(name); !v.IsNull() {
		return v.Strings(), false
	}
	if v := n.Get("Not" + name); !v.IsNull() {
		return v.Strings(), true
	}
	msgs.Add(diag.Errorf(n.Position(), key, "a statement needs %s or Not%s", name, name))
	return nil, false
}

func position(n *document.Node, name string) diag.Position {
	if m := n.Member(name); m != nil {
		return m.Value.Position()
	}
	return n.Position()
}

// Decision is what policies say about a call.
type Decision int

const (
	// ImplicitDeny: no statement allows it.
	ImplicitDeny Decision = iota
	// Allow: some statement allows it, and none denies it.
	Allow
	// ExplicitDeny: some statement denies it, whatever others allow.
	ExplicitDeny
)

func (d Decision) String() string {
	return [...]string{"implicit deny", "allow", "explicit deny"}[d]
}

// Evaluate decides about an action on a resource. Conditions see ctx alone.
func Evaluate(policies []Policy, action, resource string, ctx Context) Decision {
	e := evaluation{action: action, resource: resource, context: func() Context { return ctx.lower() }}
	return e.decide(policies)
}

// EvaluateDocument decides about a request by one document, the policy that a
// Lambda authorizer returns. A document that cannot be read is an error, which
// API Gateway answers with a 500.
func EvaluateDocument(doc *document.Node, action, resource string, r *http.Request) (Decision, error) {
	p, msgs := ParsePolicy("", "policyDocument", doc)
	if err := msgs.Err(); err != nil {
		return ImplicitDeny, err
	}
	if len(p.Statements) == 0 {
		return ImplicitDeny, errors.New("the policy has no statement")
	}
	e := evaluation{action: action, resource: resource, context: func() Context { return requestContext(r) }}
	return e.decide([]Policy{p}), nil
}

// evaluation is one decision in the making.
type evaluation struct {
	action   string
	resource string
	// context makes the condition keys; most decisions never ask for it.
	context func() Context
	// lenient is for dev: a key that nobody here can know fulfils the
	// conditions of an Allow, and not those of a Deny; unjudged names them.
	lenient  bool
	unjudged []string

	made Context
}

func (e *evaluation) decide(policies []Policy) Decision {
	e.action = strings.ToLower(e.action)
	decision := ImplicitDeny
	for i := range policies {
		for j := range policies[i].Statements {
			st := &policies[i].Statements[j]
			if st.Allow && decision == Allow || !e.applies(st) {
				continue
			}
			if !st.Allow {
				return ExplicitDeny
			}
			decision = Allow
		}
	}
	return decision
}

func (e *evaluation) applies(st *Statement) bool {
	return e.matches(st.Actions, e.action, false, arn.Like) != st.NotActions &&
		e.matches(st.Resources, e.resource, st.variables, arn.Match) != st.NotResources &&
		e.fulfils(st)
}

func (e *evaluation) matches(patterns []string, text string, variables bool, match func(pattern, text string) bool) bool {
	for _, p := range patterns {
		if variables && strings.Contains(p, "${") {
			var ok bool
			if p, ok = expand(p, e.keys()); !ok {
				continue
			}
		}
		if match(p, text) {
			return true
		}
	}
	return false
}

func (e *evaluation) keys() Context {
	if e.made == nil {
		if e.made = e.context(); e.made == nil {
			e.made = Context{}
		}
	}
	return e.made
}

func (e *evaluation) fulfils(st *Statement) bool {
	for i := range st.Conditions {
		c := &st.Conditions[i]
		if e.lenient && e.keys()[c.Key] == nil && !knownAbsent(c.Key) && c.Operator != "null" {
			e.unjudged = append(e.unjudged, c.Key)
			if !st.Allow {
				return false
			}
			continue
		}
		if !c.holds(e.keys(), st.variables) {
			return false
		}
	}
	return true
}
