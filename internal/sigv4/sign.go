package sigv4

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Credentials are what a request is signed with.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // may be empty
}

// Sign adds date, payload hash, token and Authorization header to r. It signs
// the host, the content type and every x-amz header. An empty payloadHash is
// the hash of body.
func Sign(r *http.Request, creds Credentials, region, service string, body []byte, now time.Time) {
	c := newClaim(creds, region, service, now)
	if r.Header.Get("X-Amz-Content-Sha256") == "" {
		r.Header.Set("X-Amz-Content-Sha256", string(appendHash(nil, body)))
	}
	r.Header.Set("X-Amz-Date", c.timestamp)
	if creds.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", creds.SessionToken)
	}
	names := []string{"host"}
	for name := range r.Header {
		if name = strings.ToLower(name); name == "content-type" || strings.HasPrefix(name, "x-amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	c.SignedHeaders = strings.Join(names, ";")
	c.Signature = signature(r, c, creds, r.Header.Get("X-Amz-Content-Sha256"))
	r.Header.Set("Authorization", fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, creds.AccessKeyID, c.credentialScope(), c.SignedHeaders, c.Signature))
}

// Presign returns the URL of r, which has no body, with a signature in its
// query string that is good for expires.
func Presign(r *http.Request, creds Credentials, region, service string, expires time.Duration, now time.Time) *url.URL {
	c := newClaim(creds, region, service, now)
	c.SignedHeaders = "host"
	q := url.Values{
		"X-Amz-Algorithm":     {algorithm},
		"X-Amz-Credential":    {creds.AccessKeyID + "/" + c.credentialScope()},
		"X-Amz-Date":          {c.timestamp},
		"X-Amz-Expires":       {fmt.Sprint(int(expires.Seconds()))},
		"X-Amz-SignedHeaders": {c.SignedHeaders},
	}
	if creds.SessionToken != "" {
		q.Set("X-Amz-Security-Token", creds.SessionToken)
	}
	signed := *r
	u := *r.URL
	u.RawQuery = strings.Trim(u.RawQuery+"&"+q.Encode(), "&")
	signed.URL = &u
	hash := emptyHash
	if service == "s3" {
		hash = unsignedPayload
	}
	u.RawQuery += "&X-Amz-Signature=" + signature(&signed, c, creds, hash)
	return &u
}

func newClaim(creds Credentials, region, service string, now time.Time) *Claim {
	stamp := now.UTC().Format(timeFormat)
	return &Claim{AccessKeyID: creds.AccessKeyID, Date: stamp[:len(dateFormat)], Region: region, Service: service,
		timestamp: stamp}
}

func (c *Claim) credentialScope() string {
	return c.Date + "/" + c.Region + "/" + c.Service + "/" + terminator
}

func signature(r *http.Request, c *Claim, creds Credentials, payloadHash string) string {
	signed := r
	if r.Host == "" { // an outgoing request may leave the host to its URL
		copied := *r
		copied.Host = r.URL.Host
		signed = &copied
	}
	sum := sha256.Sum256(append(appendCanonical(nil, signed, c), payloadHash...))
	toSign := appendStringToSign(nil, c, sum[:])
	var v Verifier
	return string(v.appendSignature(nil, scope{creds.SecretAccessKey, c.Date, c.Region, c.Service}, toSign))
}
