package socket

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gobwas/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limits of the tests: API Gateway's.
func limits() *Options {
	return &Options{
		MaxFrame: 32 << 10, MaxMessage: 128 << 10, TooBigReason: "Message too big",
		TextOnly: true, BinaryReason: "Binary is not supported",
		TimeoutReason: "Going away",
	}
}

// frame is a masked client frame; flags hold fin and the reserved bits.
func frame(flags byte, op ws.OpCode, payload string) []byte {
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	b := []byte{flags | byte(op)}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, mask[:]...)
	p := []byte(payload)
	ws.Cipher(p, mask, 0)
	return append(b, p...)
}

const (
	fin  = 0x80
	more = 0x00
)

func text(s string) []byte { return frame(fin, ws.OpText, s) }
func ping(s string) []byte { return frame(fin, ws.OpPing, s) }
func closing(code int, reason string) []byte {
	return frame(fin, ws.OpClose, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// echo answers every message and remembers how the connection ended.
type echo struct {
	mu     sync.Mutex
	ended  string
	closed int
}

func (e *echo) Message(c *Conn, data []byte, binary bool) {
	if binary {
		data = append([]byte("binary "), data...)
	}
	_ = c.Send(data)
}

func (e *echo) Closed(_ *Conn, code int, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = strings.TrimSpace(fmt.Sprintf("%d %s", code, reason))
	e.closed++
}

func (e *echo) end() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed > 1 {
		return fmt.Sprintf("closed %d times", e.closed)
	}
	return e.ended
}

// answerText stands for the handshake's answer on a transport without HTTP.
const answerText = "101\n"

// newConn takes a transport that had no handshake.
func newConn(t net.Conn, o *Options) *Conn {
	c := new(Conn)
	c.take(t, o)
	return c
}

func upgrade(w http.ResponseWriter, r *http.Request, header http.Header, o *Options) (*Conn, error) {
	c := new(Conn)
	return c, c.Upgrade(w, r, header, o)
}

// start serves one end of a pipe and returns the other.
func start(t *testing.T, o *Options, h Handler) (c *Conn, client net.Conn) {
	t.Helper()
	server, client := net.Pipe()
	c = newConn(server, o)
	c.out.queue = []message{{shared: []byte(answerText)}}
	c.out.bytes = len(answerText)
	var wg sync.WaitGroup
	wg.Go(func() { c.Serve(h) })
	t.Cleanup(func() {
		_ = client.Close()
		wg.Wait()
	})
	return c, client
}

// receiver reads what the server sends, all the time.
type receiver struct {
	mu   sync.Mutex
	got  []byte
	done chan struct{}
}

func receive(client net.Conn) *receiver {
	r := &receiver{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		p := make([]byte, 64<<10)
		for {
			n, err := client.Read(p)
			r.mu.Lock()
			r.got = append(r.got, p[:n]...)
			r.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return r
}

// frames tells what was received, a line a frame.
func (r *receiver) frames(t *testing.T) string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	rest := bytes.NewReader(bytes.TrimPrefix(r.got, []byte(answerText)))
	for rest.Len() > 0 {
		h, err := ws.ReadHeader(rest)
		if err != nil {
			t.Fatalf("the server sent half a header: %v", err)
		}
		p := make([]byte, h.Length)
		if _, err := io.ReadFull(rest, p); err != nil {
			t.Fatalf("the server sent half a frame: %v", err)
		}
		if !h.Fin || h.Rsv != 0 || h.Masked {
			t.Fatalf("the server sent a frame with the header %+v", h)
		}
		lines = append(lines, describe(h.OpCode, p))
	}
	return strings.Join(lines, "; ")
}

func describe(op ws.OpCode, p []byte) string {
	body := string(p)
	if len(p) > 60 {
		body = fmt.Sprintf("%d bytes", len(p))
	}
	switch op {
	case ws.OpText:
		return "text " + body
	case ws.OpPong:
		return "pong " + body
	case ws.OpClose:
		code, reason := ws.ParseCloseFrameData(p)
		if code == 0 {
			return "close"
		}
		return strings.TrimSpace(fmt.Sprintf("close %d %s", code, reason))
	}
	return fmt.Sprintf("opcode %d %s", op, body)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 5000 {
		if ok() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}
