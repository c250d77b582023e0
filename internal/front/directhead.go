package front

import (
	"bytes"
	"net/textproto"
	"net/url"
	"strings"
)

// verdict is whether the start of a request is that of a direct one.
type verdict uint8

const (
	no verdict = iota
	yes
	more // it cannot be told yet
)

// directHead is the header of a direct request. Its strings are one copy of
// what came.
type directHead struct {
	method, target, host string
	url                  *url.URL
	fields               string // the lines, each with its end
	count                int    // of them
	length               int    // bytes of the whole header
	body                 int    // bytes of the body
}

// maxFields bounds the lines of a direct request's header.
const maxFields = 64

// likely tells from the request line alone.
func (l *Listener) likely(b []byte) verdict {
	if c := b[0]; c != 'P' && c != 'G' && c != 'D' {
		return no
	}
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		return more
	}
	if !l.endpoint.Direct(b[:end]) {
		return no
	}
	return yes
}

// isForeign tells whether a request to the AWS API is for another endpoint by
// its host's name, whose requests may be any.
func (l *Listener) isForeign(host string) bool {
	if l.endpoint.Kind != KindAWS {
		return false
	}
	other := l.front.byHost(host)
	return other != nil && other != l
}

// parseDirect reads a header that is written in the plainest way: HTTP/1.1,
// one Host, a length instead of chunks, nothing that asks for more than an
// answer. All else, and all that is wrong, is left to net/http.
func parseDirect(b []byte) (h directHead, v verdict) {
	end := bytes.Index(b, endOfHead)
	if end < 0 {
		return h, more
	}
	h.length = end + len(endOfHead)
	text := string(b[:end+2])
	line, fields, _ := strings.Cut(text, "\r\n")
	var ok bool
	h.fields = fields
	if h.method, line, ok = strings.Cut(line, " "); !ok || h.method != "POST" && h.method != "GET" && h.method != "DELETE" {
		return h, no
	}
	if h.target, ok = strings.CutSuffix(line, " HTTP/1.1"); !ok || !plainTarget(h.target) {
		return h, no
	}
	var err error
	if h.url, err = url.ParseRequestURI(h.target); err != nil {
		return h, no
	}
	var sized, hosted bool
	for fields != "" {
		var f string
		f, fields, _ = strings.Cut(fields, "\r\n")
		name, value, ok := cutField(f)
		if h.count++; !ok || h.count > maxFields {
			return h, no
		}
		switch { // by length first: there are many fields, and few are looked for
		case len(name) == len("Host") && strings.EqualFold(name, "Host"):
			if hosted || !plainHost(value) {
				return h, no
			}
			h.host, hosted = value, true
		case len(name) == len("Content-Length") && strings.EqualFold(name, "Content-Length"):
			if h.body, ok = plainLength(value); !ok || sized {
				return h, no
			}
			sized = true
		case len(name) == len("Connection") && strings.EqualFold(name, "Connection"):
			if !strings.EqualFold(value, "keep-alive") {
				return h, no
			}
		case asksForMore(name):
			return h, no
		}
	}
	if !hosted {
		return h, no
	}
	return h, yes
}

// asksForMore names fields that change how a request or its answer travels.
func asksForMore(name string) bool {
	switch len(name) {
	case len("Te"):
		return strings.EqualFold(name, "Te")
	case len("Expect"):
		return strings.EqualFold(name, "Expect") || strings.EqualFold(name, "Pragma") // net/http turns Pragma into Cache-Control
	case len("Upgrade"):
		return strings.EqualFold(name, "Upgrade") || strings.EqualFold(name, "Trailer")
	case len("Transfer-Encoding"):
		return strings.EqualFold(name, "Transfer-Encoding")
	}
	return false
}

// fill makes the header as net/http has it, without Host.
func (h *directHead) fill(d *direct) {
	clear(d.header)
	if cap(d.values) < h.count {
		d.values = make([]string, 0, max(16, h.count))
	}
	d.values = d.values[:0]
	for fields := h.fields; fields != ""; {
		var f string
		f, fields, _ = strings.Cut(fields, "\r\n")
		name, value, _ := cutField(f)
		name = textproto.CanonicalMIMEHeaderKey(name)
		if name == "Host" {
			continue
		}
		if earlier := d.header[name]; earlier != nil {
			d.header[name] = append(earlier[:len(earlier):len(earlier)], value)
			continue
		}
		d.values = append(d.values, value)
		d.header[name] = d.values[len(d.values)-1 : len(d.values) : len(d.values)]
	}
}

// cutField takes a line apart; not ok when it is more than a name and plain text.
func cutField(line string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(line, ":")
	if !ok || name == "" {
		return "", "", false
	}
	for i := range len(name) {
		c := name[i]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if c != '-' && c != '_' && (c < '0' || c > '9') {
				return "", "", false
			}
		}
	}
	value = strings.Trim(value, " \t")
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c >= 0x7f {
			return "", "", false
		}
	}
	return name, value, true
}

// plainTarget is a path, and perhaps a query, of visible ASCII.
func plainTarget(s string) bool {
	if s == "" || s[0] != '/' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

// plainHost is a name or address, and perhaps a port.
func plainHost(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != ':' && c != '[' && c != ']' && c != '_' {
			return false
		}
	}
	return s != ""
}

// plainLength is the length of a body that is short enough.
func plainLength(s string) (n int, ok bool) {
	if s == "" || len(s) > 7 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + int(s[i]-'0')
	}
	return n, n <= maxDirect
}
