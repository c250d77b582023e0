package iam

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/arn"
	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/journal"
)

// granted is everything that applies to a role.
type granted struct {
	role     *role
	policies []Policy
	// unknown are managed policies whose statements Suiro does not know.
	unknown []string
	allowed allowed
}

// allowed are calls that the policies allow whatever else is true of a request:
// no statement that was looked at has a condition or a variable. They are
// forgotten with what is granted, when a role or policy changes.
type allowed struct {
	mu    sync.RWMutex
	calls map[permitted]struct{}
}

type permitted struct{ action, resource string }

// maxAllowed bounds them, for apps that vary their resources.
const maxAllowed = 256

func (a *allowed) has(p permitted) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, ok := a.calls[p]
	return ok
}

func (a *allowed) add(p permitted) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.calls == nil || len(a.calls) >= maxAllowed {
		a.calls = make(map[permitted]struct{})
	}
	a.calls[p] = struct{}{}
}

// Authorize implements awsapi.Authorizer.
func (s *Service) Authorize(c awsapi.Caller, action, resourceARN string) error {
	return s.AuthorizeWith(c, action, resourceARN, nil)
}

// AuthorizeWith is Authorize for a service that knows condition keys of its
// own, such as dynamodb:LeadingKeys.
func (s *Service) AuthorizeWith(c awsapi.Caller, action, resourceARN string, keys map[string][]string) error {
	if c.Owner {
		return nil
	}
	return s.authorize(c, action, resourceARN, func() Context { return keys })
}

// AuthorizeRequest is Authorize with the condition keys of the HTTP request
// that the call came with.
func (s *Service) AuthorizeRequest(c awsapi.Caller, action, resourceARN string, r *http.Request) error {
	return s.authorize(c, action, resourceARN, func() Context { return requestContext(r) })
}

func (s *Service) authorize(c awsapi.Caller, action, resourceARN string, keys func() Context) error {
	if c.Owner {
		return nil
	}
	s.mu.RLock()
	held := s.sessions[c.AccessKeyID]
	s.mu.RUnlock()
	if held == nil { // no key of ours: a service acting for itself brings no caller
		return s.denied(c, nil, action, resourceARN, ImplicitDeny)
	}
	g := s.grants(held.roleARN)
	if g.role == nil {
		return s.foreign(c, held.roleARN, action, resourceARN)
	}
	call := permitted{action, resourceARN}
	if g.allowed.has(call) {
		return nil
	}
	asked := false
	e := evaluation{action: action, resource: resourceARN, lenient: !s.config.Strict,
		context: func() Context { asked = true; return s.context(c, held.roleARN, keys()) }}
	decision := e.decide(g.policies)
	for _, key := range e.unjudged {
		s.note(journal.Entry{Resource: g.role.logicalID, Function: lastSegment(c.ARN),
			Text: fmt.Sprintf("a policy of %s asks for %s, which Suiro does not know; in dev such a condition holds back no permission", g.role.name, key)})
	}
	if decision == ImplicitDeny && len(g.unknown) > 0 {
		return s.unknownPolicies(c, g, action, resourceARN)
	}
	if decision == Allow {
		if !asked {
			g.allowed.add(call)
		}
		return nil
	}
	return s.denied(c, g.role, action, resourceARN, decision)
}

// Forbids tells whether the caller's own policies deny a call explicitly, for
// a service whose resource policy allows it: within an account either policy
// may allow, and each may deny.
func (s *Service) Forbids(c awsapi.Caller, action, resourceARN string, keys map[string][]string) bool {
	s.mu.RLock()
	held := s.sessions[c.AccessKeyID]
	s.mu.RUnlock()
	if c.Owner || held == nil {
		return false
	}
	e := evaluation{action: action, resource: resourceARN, lenient: !s.config.Strict,
		context: func() Context { return s.context(c, held.roleARN, keys) }}
	return e.decide(s.grants(held.roleARN).policies) == ExplicitDeny
}

// grants gathers the policies of a role, once until something changes.
func (s *Service) grants(roleARN string) *granted {
	s.mu.RLock()
	g := s.effective[roleARN]
	s.mu.RUnlock()
	if g != nil {
		return g
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g = &granted{role: s.roles[roleARN]}
	s.effective[roleARN] = g
	if g.role == nil {
		return g
	}
	g.policies = append(g.policies, g.role.inline...)
	for _, a := range s.attached {
		for _, name := range a.roles {
			if name == g.role.name {
				g.policies = append(g.policies, a.policy)
			}
		}
	}
	for _, managedARN := range g.role.managed {
		if p, ok := s.managed[managedARN]; ok {
			g.policies = append(g.policies, p)
		} else if p, ok := awsManaged(managedARN); ok {
			g.policies = append(g.policies, p)
		} else {
			g.unknown = append(g.unknown, managedARN)
		}
	}
	return g
}

// foreign judges a role that the template does not hold: an ARN from
// elsewhere, whose policies are unknown here.
func (s *Service) foreign(c awsapi.Caller, roleARN, action, resourceARN string) error {
	if s.config.Strict {
		return s.denied(c, &role{name: roleARN}, action, resourceARN, ImplicitDeny)
	}
	s.note(journal.Entry{Function: lastSegment(c.ARN),
		Text: fmt.Sprintf("the role %s is not in the template; in dev it may do everything", roleARN)})
	return nil
}

// unknownPolicies judges a call that only a policy unknown to Suiro may allow.
func (s *Service) unknownPolicies(c awsapi.Caller, g *granted, action, resourceARN string) error {
	in := "it allows nothing"
	if !s.config.Strict {
		in = "in dev it allows everything"
	}
	for _, p := range g.unknown {
		s.note(journal.Entry{Resource: g.role.logicalID,
			Text: fmt.Sprintf("Suiro does not know the managed policy %s of %s; %s", p, g.role.name, in)})
	}
	if s.config.Strict {
		return s.denied(c, g.role, action, resourceARN, ImplicitDeny)
	}
	return nil
}

// denied makes AWS's refusal, and tells the developer what to add.
func (s *Service) denied(c awsapi.Caller, r *role, action, resourceARN string, d Decision) error {
	reason := "because no identity-based policy allows the " + action + " action"
	if d == ExplicitDeny {
		reason = "with an explicit deny in an identity-based policy"
	}
	text := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s %s", c.ARN, action, resourceARN, reason)
	if r != nil {
		advice := fmt.Sprintf(`add {"Effect": "Allow", "Action": %q, "Resource": %q} to the policies of %s`,
			action, wildcards(resourceARN), r.name)
		if d == ExplicitDeny {
			advice = "a Deny statement in the policies of " + r.name + " forbids it"
		}
		s.note(journal.Entry{Resource: r.logicalID, Function: lastSegment(c.ARN), Status: http.StatusForbidden, Text: advice, Err: text})
	}
	return &awsapi.Error{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: text}
}

// wildcards turns the parameters of an API's path into stars, since policies
// are compared with the path as it is written in the API.
func wildcards(resourceARN string) string {
	var b strings.Builder
	for rest := resourceARN; ; {
		before, after, ok := strings.Cut(rest, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteByte('*')
		_, rest, _ = strings.Cut(after, "}")
	}
}

// requestContext holds the condition keys of a request: whence, with what, and
// when. Every call counts as encrypted, which on AWS it is.
func requestContext(r *http.Request) Context {
	now := time.Now().UTC()
	ctx := Context{
		"aws:currenttime":     {now.Format(time.RFC3339)},
		"aws:epochtime":       {strconv.FormatInt(now.Unix(), 10)},
		"aws:securetransport": {"true"},
	}
	if source, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		ctx["aws:sourceip"] = []string{source.Addr().Unmap().WithZone("").String()}
	}
	for key, header := range map[string]string{"aws:useragent": "User-Agent", "aws:referer": "Referer"} {
		if v := r.Header.Get(header); v != "" {
			ctx[key] = []string{v}
		}
	}
	return ctx
}

// context holds the global condition keys that are known of a function's
// call. Keys are lower case, as they are compared.
func (s *Service) context(c awsapi.Caller, roleARN string, keys Context) Context {
	now := time.Now().UTC()
	ctx := Context{
		"aws:currenttime":      {now.Format(time.RFC3339)},
		"aws:epochtime":        {strconv.FormatInt(now.Unix(), 10)},
		"aws:principalaccount": {c.AccountID},
		"aws:principalarn":     {roleARN},
		"aws:principaltype":    {"AssumedRole"},
		"aws:requestedregion":  {s.config.Region},
		"aws:userid":           {c.UserID},
	}
	if a, err := arn.Parse(roleARN); err == nil {
		ctx["aws:principalaccount"] = []string{a.AccountID}
	}
	for k, v := range keys {
		ctx[strings.ToLower(k)] = v
	}
	return ctx
}
