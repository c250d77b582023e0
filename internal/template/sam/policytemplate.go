package sam

import (
	"slices"
	"sort"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// policyTemplate is one of SAM's policy templates (AWS SAM developer guide,
// "AWS SAM policy template list"). Its parameters are the ${names} in its
// resources.
type policyTemplate struct {
	grants []grant
}

// grant is one statement of a template: actions of a service, separated by
// spaces, on resources of it. A resource is * or what follows the account in
// an ARN; one that begins with ":::" has neither region nor account.
type grant struct {
	service, actions, resources string
	// where is a condition: operator, key and resource of its value.
	where [3]string
}

func policyTemplateNames() []string {
	names := make([]string, 0, len(policyTemplates))
	for name := range policyTemplates {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// document writes the template out with its parameters filled in.
func (p policyTemplate) document(f *function, name string, m *document.Member) *document.Node {
	at := m.KeyPos
	given := m.Value
	var needed []string
	for _, g := range p.grants {
		for _, r := range []string{g.resources, g.where[2]} {
			needed = append(needed, variables(r)...)
		}
	}
	for _, n := range needed {
		if given.Get(n).IsNull() {
			f.t.msgs.Add(diag.Errorf(at, f.key("Policies."+name), "the policy template needs the parameter %s", n))
			return nil
		}
	}
	for _, g := range given.Keys() {
		if !slices.Contains(needed, g) {
			f.t.msgs.Add(diag.Errorf(given.Member(g).KeyPos, f.key("Policies."+name), "the policy template has no parameter %q", g).
				WithHint("%s", diag.DidYouMean(g, needed)))
		}
	}
	statements := document.Seq(at)
	for _, g := range p.grants {
		statements.Items = append(statements.Items, g.statement(given, at))
	}
	return object(at, "Statement", statements)
}

// statement is the policy statement of a grant.
func (g grant) statement(given *document.Node, at diag.Position) *document.Node {
	actions := document.Seq(at)
	for _, a := range strings.Fields(g.actions) {
		actions.Items = append(actions.Items, text(g.service+":"+a, at))
	}
	resources := document.Seq(at)
	for _, r := range strings.Fields(g.resources) {
		resources.Items = append(resources.Items, resourceName(g.service, r, given, at))
	}
	s := object(at, "Action", actions).Set("Effect", text("Allow", at))
	if len(resources.Items) == 1 {
		s.Set("Resource", resources.Items[0])
	} else {
		s.Set("Resource", resources)
	}
	if g.where[0] == "" {
		return s
	}
	service, rest, _ := strings.Cut(g.where[2], " ")
	return s.Set("Condition", object(at, g.where[0], object(at, g.where[1], resourceName(service, rest, given, at))))
}

// resourceName is the ARN of a resource: Fn::Sub over the parameters.
func resourceName(service, r string, given *document.Node, at diag.Position) *document.Node {
	if r == "*" {
		return text("*", at)
	}
	arn := "arn:${AWS::Partition}:" + service
	switch {
	case strings.HasPrefix(r, "${") && strings.HasSuffix(r, "Arn}"):
		return given.Get(variables(r)[0]) // the parameter is the ARN
	case strings.HasPrefix(r, ":::"):
		arn += r
	default:
		arn += ":${AWS::Region}:${AWS::AccountId}:" + r
	}
	names := variables(r)
	if len(names) == 0 {
		return sub(arn, at, nil)
	}
	values := document.Object(at)
	for _, n := range names {
		values.Set(n, given.Get(n))
	}
	return sub(arn, at, values)
}

// variables lists the ${names} in a text, without repetitions.
func variables(s string) []string {
	var names []string
	for {
		open := strings.Index(s, "${")
		if open < 0 {
			return names
		}
		length := strings.IndexByte(s[open:], '}')
		name := s[open+2 : open+length]
		s = s[open+length+1:]
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
}
