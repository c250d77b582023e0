package websocketapi

import (
	"encoding/json"
	"errors"

	"github.com/suiro-dev/suiro/internal/arn"
)

// policy is the document that an authorizer returns.
type policy struct{ Statement statements }

// statements may be written as a list or as a single one.
type statements []statement

type statement struct {
	Effect      string
	Action      texts
	NotAction   texts
	Resource    texts
	NotResource texts
	Condition   json.RawMessage
}

// texts may be written as a list or as a single string.
type texts []string

type decision int

const (
	unspoken decision = iota // no statement speaks of it
	allowed
	denied
)

// decide evaluates the policy as IAM does: a matching Deny ends it, else a
// matching Allow is needed. Conditions are not evaluated: an Allow that has
// one does not count, a Deny does, so that nothing is allowed by mistake.
func (p *policy) decide(action, resource string) decision {
	d := unspoken
	for _, s := range p.Statement {
		if !s.matches(action, resource) {
			continue
		}
		if s.Effect == "Deny" {
			return denied
		}
		if len(s.Condition) == 0 {
			d = allowed
		}
	}
	return d
}

func (s *statement) matches(action, resource string) bool {
	act := s.Action.any(action, arn.LikeFold)
	if len(s.NotAction) > 0 {
		act = !s.NotAction.any(action, arn.LikeFold)
	}
	res := s.Resource.any(resource, arn.Like)
	if len(s.NotResource) > 0 {
		res = !s.NotResource.any(resource, arn.Like)
	}
	return act && res
}

func (t texts) any(text string, like func(pattern, text string) bool) bool {
	for _, pattern := range t {
		if like(pattern, text) {
			return true
		}
	}
	return false
}

var errStatement = errors.New("a statement needs an Effect, an Action and a Resource")

// UnmarshalJSON implements json.Unmarshaler.
func (s *statements) UnmarshalJSON(b []byte) error {
	var list []statement
	if err := json.Unmarshal(b, &list); err != nil {
		var one statement
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		list = []statement{one}
	}
	for _, one := range list {
		if one.Effect != "Allow" && one.Effect != "Deny" ||
			len(one.Action)+len(one.NotAction) == 0 || len(one.Resource)+len(one.NotResource) == 0 {
			return errStatement
		}
	}
	*s = list
	return nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(b []byte) error {
	var list []string
	if err := json.Unmarshal(b, &list); err == nil {
		*t = list
		return nil
	}
	var one string
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*t = texts{one}
	return nil
}
