package environment

import (
	"bytes"
	"strconv"
	"strings"
)

// hot is a request that a runtime makes for every event.
type hot int

const (
	hotNext     hot = iota // GET  /2018-06-01/runtime/invocation/next
	hotResponse            // POST /2018-06-01/runtime/invocation/ID/response
	hotError               // POST /2018-06-01/runtime/invocation/ID/error
)

// head is the header of a hot request, as far as it counts.
type head struct {
	kind        hot
	id          string
	length      int64 // of the body; -1 when it is chunked
	contentType string
	errorType   string
	attempt     string
	mode        string
	hasMode     bool
}

// parse reads a header, the empty line included. It is false for everything
// but the plainest form of the hot requests: those are what clients send, and
// all others are left to net/http, whose verdict on them counts. So this
// parser need not know what to do with what it does not know.
func (h *head) parse(b []byte) bool {
	*h = head{}
	line, rest := cutLine(b)
	if !h.request(line) {
		return false
	}
	var host, sized, chunked bool
	for {
		line, rest = cutLine(rest)
		if len(line) == 0 {
			break
		}
		name, value, ok := field(line)
		if !ok {
			return false
		}
		switch len(name) {
		case len("Host"):
			if is(name, "host") {
				ok, host = !host && plainHost(value), true
			}
		case len("Expect"):
			ok = !is(name, "expect")
		case len("Upgrade"):
			ok = !is(name, "upgrade") && !is(name, "trailer") || is(name, "trailer") && h.kind != hotNext
		case len("Connection"):
			ok = !is(name, "connection") || is(value, "keep-alive")
		case len("Content-Type"):
			if is(name, "content-type") {
				setOnce(&h.contentType, value)
			}
		case len("Content-Length"):
			if is(name, "content-length") {
				var err error
				h.length, err = strconv.ParseInt(string(value), 10, 64)
				ok = !sized && err == nil && len(value) > 0 && value[0] >= '0' && value[0] <= '9'
				sized = true
			}
		case len("Transfer-Encoding"):
			if is(name, "transfer-encoding") {
				ok, chunked = !chunked && string(value) == "chunked", true
			}
		case len("Lambda-Runtime-Invocation-Id"):
			if is(name, "lambda-runtime-invocation-id") {
				setOnce(&h.attempt, value)
			}
		case len("Lambda-Runtime-Function-Error-Type"):
			if is(name, "lambda-runtime-function-error-type") {
				setOnce(&h.errorType, value)
			}
		case len("Lambda-Runtime-Function-Response-Mode"):
			if is(name, "lambda-runtime-function-response-mode") && !h.hasMode {
				h.mode, h.hasMode = string(value), true
			}
		}
		if !ok {
			return false
		}
	}
	if chunked {
		h.length = -1
	}
	return host && !(sized && chunked) && (h.kind != hotNext || h.length == 0 && !chunked)
}

// request reads the request line.
func (h *head) request(line []byte) bool {
	if string(line) == "GET "+invocations+"next HTTP/1.1" {
		h.kind = hotNext
		return true
	}
	rest, ok := bytes.CutPrefix(line, []byte("POST "+invocations))
	if !ok {
		return false
	}
	id, what, _ := bytes.Cut(rest, []byte("/"))
	switch string(what) {
	case "response HTTP/1.1":
		h.kind = hotResponse
	case "error HTTP/1.1":
		h.kind = hotError
	default:
		return false
	}
	for _, c := range id {
		if c != '-' && !alphanumeric(c) {
			return false
		}
	}
	h.id = string(id)
	return h.id != ""
}

// cutLine takes a line off b, whose lines all end in CRLF.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	return b[:i-1], b[i+1:]
}

// field splits a header line; false when there is anything unusual about it.
func field(line []byte) (name, value []byte, ok bool) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return nil, nil, false
	}
	name, value = line[:i], line[i+1:]
	for _, c := range name {
		if c != '-' && c != '_' && !alphanumeric(c) {
			return nil, nil, false
		}
	}
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return nil, nil, false
		}
	}
	return name, bytes.Trim(value, " \t"), true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// is compares in any case.
func is(name []byte, lower string) bool { return strings.EqualFold(string(name), lower) }

// setOnce keeps the first of equal headers, as http.Header.Get does.
func setOnce(to *string, value []byte) {
	if *to == "" {
		*to = string(value)
	}
}

// plainHost is a host and port that need no second look.
func plainHost(value []byte) bool {
	for _, c := range value {
		if c != '.' && c != ':' && c != '-' && !alphanumeric(c) {
			return false
		}
	}
	return true
}

// endOfHead finds the end of a header in what has arrived: 0 when it is not
// there yet, plain is false when a line ends in another way than with CRLF.
func endOfHead(b []byte) (end int, plain bool) {
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return 0, true
		}
		if i+n == 0 || b[i+n-1] != '\r' {
			return 0, false
		}
		if n == 1 {
			return i + 2, i > 0
		}
		i += n + 1
	}
}
