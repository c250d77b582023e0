package front

import (
	"net"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/nonblock"
)

// answer is the http.ResponseWriter of a direct request: it spells what the
// handler writes as net/http does, and sends it when it is whole: with the write
// that has as many bytes as Content-Length says, which are not copied first,
// else when the handler returns.
type answer struct {
	header http.Header
	status int
	body   []byte
	out    []byte
	names  []string
	close  bool
	sent   bool
	failed error // what came of sending it
	client *conn
	late   bool // only made, for Late.Answer to send
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if !mayHaveBody(a.status) {
		return 0, http.ErrBodyNotAllowed
	}
	switch {
	case a.sent:
		return 0, http.ErrContentLength
	case len(a.body) == 0 && a.declares(len(p)):
		a.send(p)
		return len(p), a.failed
	}
	a.body = append(a.body, p...)
	return len(p), nil
}

// declares tells whether the header says that the body has n bytes.
func (a *answer) declares(n int) bool {
	length := a.header["Content-Length"]
	return n > 0 && len(length) == 1 && length[0] == strconv.Itoa(n)
}

// finish sends what was not sent already.
func (a *answer) finish() {
	if !a.sent {
		a.WriteHeader(http.StatusOK)
		a.send(a.body)
	}
}

const (
	// oneWrite is the longest answer that is copied to be one write.
	oneWrite = 64 << 10
	// clientRoom is what a client has read with an answer's header: the 4 KiB
	// of net/http and others.
	clientRoom = 4 << 10
)

// send writes the whole answer.
func (a *answer) send(body []byte) {
	a.sent = true
	head := a.encode(body)
	if a.late {
		a.out = append(head, body...)
		return
	}
	if len(head)+len(body) > clientRoom {
		nonblock.Yield()
	}
	if len(head)+len(body) <= oneWrite {
		a.out = append(head, body...)
		_, a.failed = a.client.Write(a.out)
		return
	}
	a.out = head
	if a.client.tls.Load() == nil {
		_, a.failed = (&net.Buffers{head, body}).WriteTo(a.client.Conn)
		return
	}
	if _, a.failed = a.client.Write(head); a.failed == nil {
		_, a.failed = a.client.Write(body)
	}
}

func mayHaveBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// encode is the answer's header: the fields in the order of their names, then
// those that net/http adds.
func (a *answer) encode(body []byte) []byte {
	b := append(a.out[:0], "HTTP/1.1 "...)
	b = append(strconv.AppendInt(b, int64(a.status), 10), ' ')
	if text := http.StatusText(a.status); text != "" {
		b = append(append(b, text...), "\r\n"...)
	} else {
		b = append(strconv.AppendInt(append(b, "status code "...), int64(a.status), 10), "\r\n"...)
	}
	a.names = a.names[:0]
	for name := range a.header {
		if !suppressed(a.status, name) {
			a.names = append(a.names, name)
		}
	}
	slices.Sort(a.names)
	for _, name := range a.names {
		for _, value := range a.header[name] {
			b = appendField(b, name, value)
		}
	}
	_, typed := a.header["Content-Type"]
	_, sized := a.header["Content-Length"]
	if _, dated := a.header["Date"]; !dated {
		b = time.Now().UTC().AppendFormat(append(b, "Date: "...), http.TimeFormat)
		b = append(b, "\r\n"...)
	}
	if mayHaveBody(a.status) && !sized {
		b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(body)), 10)
		b = append(b, "\r\n"...)
	}
	if len(body) > 0 && !typed {
		b = appendField(b, "Content-Type", http.DetectContentType(body))
	}
	a.close = strings.EqualFold(a.header.Get("Connection"), "close")
	return append(b, "\r\n"...)
}

// suppressed are the fields that net/http drops from answers without a body.
func suppressed(status int, name string) bool {
	switch name {
	case "Content-Length":
		return !mayHaveBody(status)
	case "Content-Type":
		return status == http.StatusNotModified
	}
	return false
}

// appendField appends a line; a line's end in a value becomes a space.
func appendField(b []byte, name, value string) []byte {
	b = append(append(b, name...), ": "...)
	value = textproto.TrimString(value)
	for i := range len(value) {
		if c := value[i]; c == '\r' || c == '\n' {
			b = append(b, ' ')
		} else {
			b = append(b, c)
		}
	}
	return append(b, "\r\n"...)
}

// keptAnswer is how large a buffer stays with a connection.
const keptAnswer = 4 << 10

func (a *answer) reset() {
	clear(a.header)
	a.status, a.body, a.sent, a.late = 0, a.body[:0], false, false
	if cap(a.out)+cap(a.body) > keptAnswer {
		a.out, a.body = nil, nil
	}
}
