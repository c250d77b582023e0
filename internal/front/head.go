package front

import (
	"bytes"
	"net"
	"net/http"
	"strings"
)

// maxHead bounds the part of a request that is kept as it came. net/http takes
// larger ones; their header is then known only as net/http spells it.
const maxHead = 16 << 10

// Field is one header field as a client sent it.
type Field struct{ Name, Value string }

// head keeps what a client of a WebSocket endpoint sent for one GET request,
// until its header is complete: net/http changes the names' spelling and loses
// their order, and API Gateway's events show both. Other requests, above all
// the pushes that come in on the same port, cost a comparison.
//
// It is touched by whoever reads the connection, and between requests by
// net/http's goroutine; RawHeader is called while nobody reads a header.
type head struct {
	raw   []byte
	phase headPhase
	// ahead is the last read when it was of one byte: net/http reads one while
	// a handler runs, to notice that the client went away, and it is the next
	// request's first. A body's last byte may be taken for it; then the request
	// line does not fit and RawHeader gives nothing.
	ahead []byte
}

type headPhase uint8

const (
	beforeRequest headPhase = iota
	inHead
	afterHead // or a request that is not kept
)

var endOfHead = []byte("\r\n\r\n")

// add looks at what has just been read.
func (h *head) add(p []byte) {
	if len(p) == 0 {
		return
	}
	if h.phase == afterHead {
		h.ahead = h.ahead[:0]
		if len(p) == 1 {
			h.ahead = append(h.ahead, p[0])
		}
		return
	}
	if h.phase == beforeRequest {
		h.phase = inHead
		if p[0] != 'G' {
			h.phase = afterHead
			return
		}
	}
	from := max(0, len(h.raw)-len(endOfHead)+1)
	h.raw = append(h.raw, p...)
	if bytes.Contains(h.raw[from:], endOfHead) {
		h.phase = afterHead
	} else if len(h.raw) > maxHead {
		*h = head{phase: afterHead}
	}
}

// forgetHead lets go of a request's header when it has been answered or its
// connection was taken over. It is the ConnState of WebSocket endpoints.
func forgetHead(c net.Conn, state http.ConnState) {
	switch own, ok := c.(*conn); {
	case !ok:
	case state == http.StateIdle:
		ahead := own.head.ahead
		own.head = head{}
		own.head.add(ahead)
	case state == http.StateHijacked, state == http.StateClosed:
		own.head = head{phase: afterHead}
	}
}

// RawHeader returns the header of a request to a WebSocket endpoint with the
// names as the client spelled them, in its order, Host included. It is nil
// when that is not known: after a takeover, for other requests than GETs, for
// very long headers, and on other endpoints. Only the request's handler may
// call it.
func RawHeader(r *http.Request) []Field {
	c, ok := r.Context().Value(connKey{}).(*conn)
	if !ok {
		return nil
	}
	end := bytes.Index(c.head.raw, endOfHead)
	if end < 0 {
		return nil
	}
	line, rest, _ := strings.Cut(string(c.head.raw[:end]), "\r\n")
	// What was pipelined behind another request is not the one that was kept.
	if line != r.Method+" "+r.RequestURI+" "+r.Proto {
		return nil
	}
	return parseFields(rest)
}

// parseFields reads header lines that net/http has accepted.
func parseFields(lines string) []Field {
	fields := make([]Field, 0, strings.Count(lines, "\n")+1)
	for line := range strings.SplitSeq(lines, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if folded := strings.TrimLeft(line, " \t"); folded != line && len(fields) > 0 {
			last := &fields[len(fields)-1]
			last.Value = strings.TrimSpace(last.Value + " " + strings.TrimSpace(folded))
			continue
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields = append(fields, Field{name, strings.Trim(value, " \t")})
		}
	}
	return fields
}
