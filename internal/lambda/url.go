package lambda

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/arn"
	"github.com/suiro-dev/suiro/internal/awsapi"
)

// Lookup finds the function that a name or ARN means; the qualifier may stand
// in the name instead. Errors are *invoke.Error.
func (s *Service) Lookup(name, qualifier string) (FunctionInfo, error) {
	fn, qualifier, err := s.resolve(name, qualifier)
	if err != nil {
		return FunctionInfo{}, err
	}
	version, err := fn.version(qualifier)
	if err != nil {
		return FunctionInfo{}, err
	}
	info := fn.info(version)
	info.Qualifier = qualifier
	return info, nil
}

// PermitsURL tells which of the two actions that a call through a function URL
// needs the function's resource policy grants: lambda:InvokeFunctionUrl and,
// since October 2025, lambda:InvokeFunction (Developer Guide, "Control access
// to Lambda function URLs"). The zero caller is one without a signature.
func (s *Service) PermitsURL(name, qualifier, authType string, c awsapi.Caller) (url, function bool) {
	fn, qualifier, err := s.resolve(name, qualifier)
	if err != nil {
		return false, false
	}
	fn.mu.Lock()
	defer fn.mu.Unlock()
	for _, p := range fn.permissions {
		if p.qualifier != unqualified(qualifier) || p.sourceARN != "" ||
			p.sourceAccount != "" && p.sourceAccount != c.AccountID || !p.isFor(c) {
			continue
		}
		if arn.LikeFold(p.action, "lambda:InvokeFunctionUrl") && (p.urlAuthType == "" || p.urlAuthType == authType) {
			url = true
		}
		if arn.LikeFold(p.action, "lambda:InvokeFunction") && p.urlAuthType == "" {
			function = true
		}
	}
	return url, function
}

// isFor tells whether a statement's principal is everyone, the caller's
// account, the caller, or the role the caller acts as.
func (p permission) isFor(c awsapi.Caller) bool {
	switch {
	case p.principal == "*":
		return true
	case c.ARN == "":
		return false
	case p.principal == c.AccountID, p.principal == c.ARN:
		return true
	}
	a, err := arn.Parse(p.principal)
	if err != nil || a.Service != "iam" || a.AccountID != c.AccountID {
		return false
	}
	caller, err := arn.Parse(c.ARN)
	if err != nil {
		return false
	}
	// arn:aws:iam::123456789012:role/path/name acts as
	// arn:aws:sts::123456789012:assumed-role/name/session.
	role, _, _ := strings.Cut(strings.TrimPrefix(caller.Resource, "assumed-role/"), "/")
	return a.Resource == "root" || strings.HasPrefix(a.Resource, "role/") && strings.HasSuffix(a.Resource, "/"+role)
}
