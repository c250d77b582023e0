package iam

import (
	"strconv"
	"testing"
)

// A verdict is kept as long as the policies are, and one that depends on the
// request is not kept at all.
func TestKeptVerdicts(t *testing.T) {
	s, _ := newService(t, true)
	role := create(t, s, "AWS::IAM::Role", "R", trust)
	fn := functionOf(t, s, role.Attr("Arn"))
	allow := "Roles: [" + role.PhysicalID + "]\nPolicyName: p\nPolicyDocument: {Version: '2012-10-17', Statement: "
	policy := create(t, s, "AWS::IAM::Policy", "P", allow+"{Effect: Allow, Action: 'execute-api:*', Resource: '*'}}")
	call := func(key string) bool {
		return s.AuthorizeWith(fn, "execute-api:ManageConnections", connectionsARN, Context{"dynamodb:LeadingKeys": {key}}) == nil
	}
	kept := func() int { return len(s.grants(role.Attr("Arn")).allowed.calls) }
	for range 2 {
		if !call("a") || kept() != 1 {
			t.Errorf("%d calls are kept", kept())
		}
	}
	for i := range 2 * maxAllowed {
		_ = s.Authorize(fn, "execute-api:Invoke", "arn:"+strconv.Itoa(i))
	}
	if kept() > maxAllowed {
		t.Errorf("%d calls are kept", kept())
	}

	h := s.Handlers()["AWS::IAM::Policy"]
	conditional := spec(t, "AWS::IAM::Policy", "P", allow+"{Effect: Allow, Action: 'execute-api:*', Resource: '*', Condition: {StringEquals: {'dynamodb:LeadingKeys': a}}}}")
	if _, err := h.Update(t.Context(), conditional, policy, nil); err != nil {
		t.Fatal(err)
	}
	if !call("a") || call("b") || kept() != 0 {
		t.Errorf("a condition does not count: %d calls are kept", kept())
	}

	denying := spec(t, "AWS::IAM::Policy", "P", allow+"[{Effect: Allow, Action: 'execute-api:*', Resource: '*'}, "+
		"{Effect: Deny, Action: 'execute-api:*', Resource: '*', Condition: {StringEquals: {'dynamodb:LeadingKeys': b}}}]}")
	if _, err := h.Update(t.Context(), denying, policy, nil); err != nil {
		t.Fatal(err)
	}
	if !call("a") || call("b") || kept() != 0 {
		t.Errorf("a denial's condition does not count: %d calls are kept", kept())
	}

	if err := h.Delete(t.Context(), denying, policy); err != nil {
		t.Fatal(err)
	}
	if call("a") {
		t.Error("a policy that is gone allows")
	}
}
