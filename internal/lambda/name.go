package lambda

import (
	"net/http"
	"strings"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// latest is the qualifier of the unpublished function.
const latest = "$LATEST"

// longestName is what a function name may have at most.
const longestName = 64

// reference is what names a function in a call.
type reference struct {
	name      string
	qualifier string // "" when unqualified
	region    string // "" when the reference does not say
	accountID string
}

// parseReference reads a name, "name:qualifier", a partial ARN
// ("123456789012:function:name") or an ARN, each with or without a qualifier.
func parseReference(s string) (ref reference, ok bool) {
	parts := strings.Split(s, ":")
	switch {
	case len(parts) >= 7 && parts[0] == "arn" && parts[2] == "lambda" && parts[5] == "function":
		ref.region, ref.accountID = parts[3], parts[4]
		parts = parts[6:]
	case len(parts) >= 3 && parts[1] == "function":
		ref.accountID = parts[0]
		parts = parts[2:]
	case len(parts) >= 2 && parts[0] == "function":
		parts = parts[1:]
	}
	if len(parts) > 2 || parts[0] == "" {
		return reference{}, false
	}
	ref.name = parts[0]
	if len(parts) == 2 {
		ref.qualifier = parts[1]
	}
	return ref, true
}

// The refusals' texts are those that Lambda's API gives.

func notFound(s *Service, ref reference) *invoke.Error {
	region, account := ref.region, ref.accountID
	if region == "" {
		region = s.cfg.Region
	}
	if account == "" {
		account = s.cfg.AccountID
	}
	resource := "arn:aws:lambda:" + region + ":" + account + ":function:" + ref.name
	if ref.qualifier != "" {
		resource += ":" + ref.qualifier
	} else {
		resource += ":" + latest
	}
	return &invoke.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "Function not found: " + resource}
}

// resolve finds the function that a call means, and the qualifier it names.
func (s *Service) resolve(name, qualifier string) (*function, string, error) {
	ref, ok := parseReference(name)
	if !ok {
		return nil, "", &invoke.Error{Status: http.StatusBadRequest, Code: "ValidationException",
			Message: "1 validation error detected: Value '" + name + "' at 'functionName' failed to satisfy constraint: Member must be a function name or ARN"}
	}
	if ref.qualifier != "" && qualifier != "" && ref.qualifier != qualifier {
		return nil, "", &invoke.Error{Status: http.StatusBadRequest, Code: "InvalidParameterValueException",
			Message: "The derived qualifier from the function name does not match the specified qualifier."}
	}
	if ref.qualifier == "" {
		ref.qualifier = qualifier
	}
	fn := s.function(ref.name)
	here := s.cfg.Region
	if fn != nil {
		here = fn.stack.Region
	}
	switch {
	case ref.region != "" && ref.region != here: // also when there is no such function
		return nil, "", &invoke.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException",
			Message: "Functions from '" + ref.region + "' are not reachable in this region ('" + here + "')"}
	case fn == nil:
		return nil, "", notFound(s, ref)
	case ref.accountID != "" && ref.accountID != fn.stack.AccountID:
		return nil, "", notFound(s, ref)
	}
	return fn, ref.qualifier, nil
}
