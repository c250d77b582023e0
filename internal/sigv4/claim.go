// Package sigv4 verifies AWS Signature Version 4, in the Authorization header
// and in presigned URLs, and signs small requests.
//
// A request is read in three steps, so that each costs only what it must:
// [Parse] tells who claims to have signed, [Claim.Check] whether scope and
// time are acceptable, and [Verifier.Verify] whether the signature is right.
// The rules are those of the IAM User Guide, "Create a signed AWS API
// request" and "Troubleshoot Signature Version 4 signing".
package sigv4

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
	dateFormat = "20060102"
)

// maxExpires is the longest life of a presigned URL: seven days.
const maxExpires = 604800

// Claim is what a request says about its signature; nothing of it is proven.
type Claim struct {
	AccessKeyID  string
	SessionToken string
	// Date, Region and Service are the credential scope.
	Date    string // YYYYMMDD
	Region  string
	Service string
	Time    time.Time
	// SignedHeaders are the names as sent: lower case, joined by semicolons.
	SignedHeaders string
	Signature     string // hex
	// Presigned says that the signature is in the query string. Expires is
	// how long such a URL is good for, 0 when it does not say.
	Presigned bool
	Expires   time.Duration

	timestamp   string // Time as it is signed
	payloadHash string // X-Amz-Content-Sha256 of a presigned URL
}

// Parse reads the claim of a request: from the Authorization header, or from
// the query string of a presigned URL. Errors are *Error.
func Parse(r *http.Request) (Claim, error) {
	auth := r.Header.Get("Authorization")
	presigned := strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=")
	switch {
	case presigned && strings.HasPrefix(auth, "AWS4-"):
		return Claim{}, invalid("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")
	case presigned:
		return parseQuery(r.URL.Query())
	case auth == "":
		return Claim{}, &Error{Code: codeMissing, Message: "Missing Authentication Token"}
	}
	return parseHeader(r, auth)
}

func parseHeader(r *http.Request, auth string) (Claim, error) {
	c := Claim{SessionToken: r.Header.Get("X-Amz-Security-Token")}
	name, rest, _ := strings.Cut(auth, " ")
	if strings.HasPrefix(name, "AWS4-") && name != algorithm {
		return c, incomplete("Unsupported AWS 'algorithm': '%s'.", name)
	}
	var credential string
	for part := range strings.SplitSeq(rest, ",") { // with or without a space
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "Credential":
			credential = value
		case "SignedHeaders":
			c.SignedHeaders = value
		case "Signature":
			c.Signature = value
		}
	}
	stamp := r.Header.Get("X-Amz-Date")
	if stamp == "" {
		stamp = r.Header.Get("Date")
	}
	var absent []string
	for _, p := range []struct{ value, text string }{
		{credential, "'Credential' parameter"},
		{c.Signature, "'Signature' parameter"},
		{c.SignedHeaders, "'SignedHeaders' parameter"},
		{stamp, "existence of either a 'X-Amz-Date' or a 'Date' header"},
	} {
		if p.value == "" {
			absent = append(absent, p.text)
		}
	}
	if absent != nil {
		return c, missingParts("Authorization header", "Authorization="+auth, absent)
	}
	return c.complete(credential, stamp)
}

func parseQuery(q url.Values) (Claim, error) {
	c := Claim{
		Presigned:     true,
		SessionToken:  q.Get("X-Amz-Security-Token"),
		SignedHeaders: q.Get("X-Amz-SignedHeaders"),
		Signature:     q.Get("X-Amz-Signature"),
		payloadHash:   q.Get("X-Amz-Content-Sha256"),
	}
	if a := q.Get("X-Amz-Algorithm"); a != algorithm {
		return c, incomplete("Unsupported AWS 'algorithm': '%s'.", a)
	}
	var absent []string
	for _, name := range []string{"X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		if q.Get(name) == "" {
			absent = append(absent, "'"+name+"'")
		}
	}
	if absent != nil {
		return c, missingParts("AWS query-string parameters", "Re-examine the query-string parameters.", absent)
	}
	if text := q.Get("X-Amz-Expires"); text != "" {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 1 || seconds > maxExpires {
			return c, incomplete("X-Amz-Expires must be a number of seconds from 1 to %d, not '%s'.", maxExpires, text)
		}
		c.Expires = time.Duration(seconds) * time.Second
	}
	return c.complete(q.Get("X-Amz-Credential"), q.Get("X-Amz-Date"))
}

// complete takes scope and time apart and checks that they fit together.
func (c Claim) complete(credential, stamp string) (Claim, error) {
	var p [5]string
	parts := 0
	for part := range strings.SplitSeq(credential, "/") {
		if parts < len(p) {
			p[parts] = part
		}
		parts++
	}
	if parts != len(p) {
		return c, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'.", credential)
	}
	c.AccessKeyID, c.Date, c.Region, c.Service = p[0], p[1], p[2], p[3]
	if p[4] != terminator {
		return c, invalid("Credential should be scoped with a valid terminator: '%s', not '%s'.", terminator, p[4])
	}
	var err error
	if c.Time, err = time.Parse(timeFormat, stamp); err != nil || len(stamp) != len(timeFormat) {
		if c.Time, err = http.ParseTime(stamp); err != nil {
			return c, incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", stamp)
		}
		stamp = c.Time.UTC().Format(timeFormat)
	}
	c.timestamp = stamp
	if !strings.HasPrefix(stamp, c.Date) || len(c.Date) != len(dateFormat) {
		return c, invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			c.Date, stamp[:len(dateFormat)], stamp)
	}
	if !c.signs("host") && !c.signs(":authority") {
		return c, invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	return c, nil
}

// signs tells whether a header is among the signed ones.
func (c *Claim) signs(name string) bool {
	for h := range strings.SplitSeq(c.SignedHeaders, ";") {
		if h == name {
			return true
		}
	}
	return false
}

// How far a request's time may lie from ours. The messages that AWS sends
// name 5 minutes for requests from the past and, for the future, 15.
const (
	maxPast   = 5 * time.Minute
	maxFuture = 15 * time.Minute
)

// Check tells whether the claim is meant for service in region, now. An empty
// region stands for any.
func (c *Claim) Check(service, region string, now time.Time) error {
	if region != "" && c.Region != region {
		return invalid("Credential should be scoped to a valid Region, not '%s'.", c.Region)
	}
	if c.Service != service {
		return invalid("Credential should be scoped to correct service: '%s'.", service)
	}
	past := maxPast
	if c.Expires > 0 {
		past = c.Expires
	}
	now = now.UTC()
	if limit := now.Add(-past); c.Time.Before(limit.Truncate(time.Second)) {
		return invalid("Signature expired: %s is now earlier than %s (%s - %g min.)",
			c.timestamp, limit.Format(timeFormat), now.Format(timeFormat), past.Minutes())
	}
	if limit := now.Add(maxFuture); c.Time.After(limit) {
		return invalid("Signature not yet current: %s is still later than %s (%s + %g min.)",
			c.timestamp, limit.Format(timeFormat), now.Format(timeFormat), maxFuture.Minutes())
	}
	return nil
}
