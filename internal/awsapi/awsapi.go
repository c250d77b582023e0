// Package awsapi is the shell that every AWS API has around its operations:
// who calls, what an error looks like on the wire, and what a request id is.
package awsapi

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

// Caller is who made a call, once its signature was verified.
type Caller struct {
	AccountID   string
	ARN         string // e.g. "arn:aws:sts::123456789012:assumed-role/chat-role/chat-fn"
	UserID      string
	AccessKeyID string
	// Owner is true for the account's owner: the developer's own profile in
	// dev. Policies do not limit it.
	Owner bool
}

// Authenticator verifies the signature of a call. On failure it returns an
// *Error with the status, code and text that AWS gives in that case; services
// that spell the shell differently (DynamoDB answers 400) translate it.
type Authenticator interface {
	// Authenticate checks r for a service's signing name ("execute-api",
	// "dynamodb", "lambda"). body is the whole payload when the caller has
	// read it already; nil means that r.Body is still unread and that its
	// hash is taken from x-amz-content-sha256.
	Authenticate(r *http.Request, service string, body []byte) (Caller, error)
}

// Authorizer decides whether a caller may do something.
type Authorizer interface {
	// Authorize returns nil when the caller's policies allow action (such as
	// "execute-api:ManageConnections") on the resource ARN, else an *Error
	// with AWS's AccessDeniedException text.
	Authorize(c Caller, action, resourceARN string) error
}

// Error is a refusal in AWS's terms.
type Error struct {
	Status  int    // HTTP status in the REST protocols
	Code    string // e.g. "MissingAuthenticationTokenException"
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// NewRequestID makes a random UUID, the form of x-amzn-RequestId in the REST
// protocols and of Lambda's request ids.
func NewRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[0:], b[0:4])
	hex.Encode(text[9:], b[4:6])
	hex.Encode(text[14:], b[6:8])
	hex.Encode(text[19:], b[8:10])
	hex.Encode(text[24:], b[10:16])
	for _, dash := range [...]int{8, 13, 18, 23} {
		text[dash] = '-'
	}
	return string(text[:])
}
