package sigv4

import (
	"fmt"
	"strings"
)

// Error is a refused signature with AWS's name and text for the reason. All
// names are those of the REST and JSON protocols; the query protocol has
// others for the same faults.
type Error struct {
	Code    string // e.g. "InvalidSignatureException"
	Message string
	// CanonicalRequest and StringToSign are what the verifier computed, when
	// the signature itself did not match.
	CanonicalRequest string
	StringToSign     string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Detailed is the message with the canonical request and the string to sign
// appended when the signature did not match, as API Gateway and the query
// services answer; Lambda sends the plain Message.
func (e *Error) Detailed() string {
	if e.CanonicalRequest == "" {
		return e.Message
	}
	return fmt.Sprintf("%s\n\nThe Canonical String for this request should have been\n'%s'\n\nThe String-to-Sign should have been\n'%s'\n",
		e.Message, e.CanonicalRequest, e.StringToSign)
}

// The exceptions a signature can fail with.
const (
	codeMissing    = "MissingAuthenticationTokenException"
	codeIncomplete = "IncompleteSignatureException"
	codeInvalid    = "InvalidSignatureException"
)

// CodeTooLarge is for a payload that is too large to be hashed; it is no
// verdict on the signature, and the only one that is not a 403.
const CodeTooLarge = "RequestEntityTooLargeException"

const mismatchText = "The request signature we calculated does not match the signature you provided. " +
	"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

func incomplete(format string, args ...any) *Error {
	return &Error{Code: codeIncomplete, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *Error {
	return &Error{Code: codeInvalid, Message: fmt.Sprintf(format, args...)}
}

// missingParts names all absent parts of a header or query at once, as AWS
// does: one sentence a part, then the header it looked at.
func missingParts(where, given string, parts []string) *Error {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%s requires %s. ", where, p)
	}
	return incomplete("%s%s", b.String(), given)
}
