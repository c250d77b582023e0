package sigv4

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// appendCanonical appends the canonical request of r to b, but for the payload's
// hash, which ends it: what client and verifier must agree on byte by byte.
func appendCanonical(b []byte, r *http.Request, c *Claim) []byte {
	b = append(append(b, r.Method...), '\n')
	b = append(appendPath(b, rawPath(r), c.Service), '\n')
	b = append(appendQuery(b, r.URL.RawQuery), '\n')
	for name := range strings.SplitSeq(c.SignedHeaders, ";") {
		b = append(append(b, name...), ':')
		b = append(appendHeader(b, r, name), '\n')
	}
	b = append(b, '\n')
	return append(append(b, c.SignedHeaders...), '\n')
}

// appendStringToSign appends what the key signs; hash is the canonical
// request's.
func appendStringToSign(b []byte, c *Claim, hash []byte) []byte {
	b = append(append(b, algorithm+"\n"...), c.timestamp...)
	b = append(append(b, '\n'), c.Date...)
	b = append(append(b, '/'), c.Region...)
	b = append(append(b, '/'), c.Service...)
	b = append(b, "/"+terminator+"\n"...)
	return appendHex(b, hash)
}

// rawPath is the path as it came: URL.Path is decoded already, and handlers
// may have cut it.
func rawPath(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	return r.URL.EscapedPath()
}

// appendPath appends the canonical form of a raw (encoded) path. S3 takes it
// as it is; every other service removes dots and empty segments and encodes
// the encoded path once more, so that "%20" becomes "%2520".
func appendPath(b []byte, raw, service string) []byte {
	if raw == "" {
		return append(b, '/')
	}
	if service == "s3" || service == "s3-object-lambda" || service == "s3-outposts" {
		return appendReencoded(b, raw, true)
	}
	return appendEncoded(b, normalize(raw))
}

// normalize removes "." and empty segments and resolves "..". A slash at the
// end stays. Nearly every path is normal already and is returned as it is.
func normalize(path string) string {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	for seg := range strings.SplitSeq(path, "/") {
		switch seg {
		case "", ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, seg)
		}
	}
	if strings.HasSuffix(path, "/") && len(kept) > 0 {
		kept = append(kept, "")
	}
	return "/" + strings.Join(kept, "/")
}

// appendQuery appends the canonical query string: pairs sorted by encoded
// name, then value, without the signature itself.
func appendQuery(b []byte, raw string) []byte {
	if raw == "" {
		return b
	}
	type pair struct{ name, value string }
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		if part == "" || name == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, pair{reencode(name), reencode(value)})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	for i, p := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(append(append(b, p.name...), '='), p.value...)
	}
	return b
}

// reencode brings one name or value of a query string into the canonical
// encoding, whatever the client chose to encode. A plus sign is a space, as
// in forms.
func reencode(s string) string {
	if !strings.ContainsFunc(s, func(c rune) bool { return c > 127 || !unreserved(byte(c)) }) {
		return s
	}
	return string(appendReencoded(nil, strings.ReplaceAll(s, "+", "%20"), false))
}

// appendReencoded decodes s and encodes it in the canonical way. A slash that
// came plain stays plain in a path; one that came encoded is data.
func appendReencoded(b []byte, s string, isPath bool) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '/' && isPath {
			b = append(b, c)
			continue
		}
		if c == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c = byte(v)
				i += 2
			}
		}
		b = appendByte(b, c)
	}
	return b
}

// appendEncoded encodes a path as it stands, percent signs included.
func appendEncoded(b []byte, path string) []byte {
	for i := 0; i < len(path); i++ {
		if path[i] == '/' {
			b = append(b, '/')
			continue
		}
		b = appendByte(b, path[i])
	}
	return b
}

const upperHex = "0123456789ABCDEF"

func appendByte(b []byte, c byte) []byte {
	if unreserved(c) {
		return append(b, c)
	}
	return append(b, '%', upperHex[c>>4], upperHex[c&15])
}

// unreserved are the characters that stay as they are (RFC 3986, 2.3).
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// appendHeader appends the value of a signed header: values in order, joined
// by commas, outer space cut and inner runs of space made one.
func appendHeader(b []byte, r *http.Request, name string) []byte {
	switch name {
	case "host", ":authority":
		return appendTrimmed(b, r.Host)
	case "content-length":
		return strconv.AppendInt(b, max(0, r.ContentLength), 10)
	}
	for i, v := range headerValues(r, name) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTrimmed(b, v)
	}
	return b
}

// headerValues finds a header by its name in lower case, without an allocation
// for Go's spelling of it.
func headerValues(r *http.Request, name string) []string {
	var room [64]byte
	if len(name) <= len(room) {
		spelled := append(room[:0], name...)
		first := true
		for i, c := range spelled {
			if first && 'a' <= c && c <= 'z' {
				spelled[i] = c - ('a' - 'A')
			}
			first = c == '-'
		}
		if values, ok := r.Header[string(spelled)]; ok {
			return values
		}
	}
	for key, values := range r.Header { // one that is spelled in another way
		if len(key) == len(name) && strings.EqualFold(key, name) {
			return values
		}
	}
	return nil
}

// isTrimmed tells of nearly all values that there is nothing to trim.
func isTrimmed(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

func appendTrimmed(b []byte, s string) []byte {
	if isTrimmed(s) {
		return append(b, s...)
	}
	first := true
	for word := range strings.FieldsSeq(s) {
		if !first {
			b = append(b, ' ')
		}
		b, first = append(b, word...), false
	}
	return b
}

const lowerHex = "0123456789abcdef"

func appendHex(b, raw []byte) []byte {
	for _, c := range raw {
		b = append(b, lowerHex[c>>4], lowerHex[c&15])
	}
	return b
}
