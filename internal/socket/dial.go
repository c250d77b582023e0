package socket

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
)

// Field is one header field of a client's handshake.
type Field struct{ Name, Value string }

// Target is what a client connects to.
type Target struct {
	Host   string // of the Host header: "localhost:3001"
	Path   string // with the query, as it is sent
	Header []Field
	// Subprotocols are offered in this order.
	Subprotocols []string
}

// RefusedError is an answer to a handshake other than 101.
type RefusedError struct {
	Status string // "403 Forbidden"
	Header http.Header
	Body   []byte
}

func (e *RefusedError) Error() string { return "the server answered " + e.Status }

// maxRefusal bounds the body of a refusal.
const maxRefusal = 64 << 10

// Client is a WebSocket from the client's side, for terminals: it reads whole
// messages, answers pings, and keeps nothing pooled.
type Client struct {
	// Header is that of the 101.
	Header http.Header

	conn net.Conn
	r    *bufio.Reader

	mu     sync.Mutex // of writing
	closed bool       // our close frame was sent
}

// Dial makes the handshake on a connection that is open already, and owns it.
// Refusals are *RefusedError. ctx bounds the handshake.
func Dial(ctx context.Context, conn net.Conn, t Target) (*Client, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	c := &Client{conn: conn, r: bufio.NewReader(conn)}
	err := c.handshake(t)
	if !stop() && err != nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *Client) handshake(t Target) error {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	key := base64.StdEncoding.EncodeToString(nonce)
	fields := append([]Field{
		{"Host", t.Host}, {"Upgrade", "websocket"}, {"Connection", "Upgrade"},
		{"Sec-WebSocket-Key", key}, {"Sec-WebSocket-Version", "13"},
	}, t.Header...)
	if len(t.Subprotocols) > 0 {
		fields = append(fields, Field{"Sec-WebSocket-Protocol", strings.Join(t.Subprotocols, ", ")})
	}
	request := "GET " + t.Path + " HTTP/1.1\r\n"
	for _, f := range fields {
		if strings.ContainsAny(f.Name+f.Value, "\r\n\x00") {
			return fmt.Errorf("header %q has a line break", f.Name)
		}
		request += f.Name + ": " + f.Value + "\r\n"
	}
	if _, err := io.WriteString(c.conn, request+"\r\n"); err != nil {
		return err
	}
	res, err := http.ReadResponse(c.r, &http.Request{Method: http.MethodGet})
	if err != nil {
		return fmt.Errorf("reading the answer to the handshake: %w", err)
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxRefusal))
		return &RefusedError{res.Status, res.Header, body}
	}
	if res.Header.Get("Sec-Websocket-Accept") != accept(key) {
		return fmt.Errorf("the server is no WebSocket server: its Sec-WebSocket-Accept is wrong")
	}
	c.Header = res.Header
	return nil
}

// Send sends a text message.
func (c *Client) Send(text []byte) error { return c.write(ws.NewTextFrame(text)) }

// Ping sends a ping, whose payload comes back in a pong.
func (c *Client) Ping(payload []byte) error { return c.write(ws.NewPingFrame(payload)) }

// Close sends a close frame; Receive goes on until the server's.
func (c *Client) Close(code int, reason string) error {
	return c.write(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusCode(code), reason)))
}

// Abort ends the connection at once.
func (c *Client) Abort() { _ = c.conn.Close() }

func (c *Client) write(f ws.Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	c.closed = f.Header.OpCode == ws.OpClose
	f.Payload = append([]byte(nil), f.Payload...) // masking changes it
	return ws.WriteFrame(c.conn, ws.MaskFrameInPlace(f))
}

// Incoming is what a server sent: a message, or the answer to a ping.
type Incoming struct {
	Data   []byte
	Binary bool
	Pong   bool
}

// Receive waits for the next message or pong. The server's close frame is a
// *CloseCode, with 1005 when it holds no code; any other error means that the
// connection was lost. The connection is closed after an error.
func (c *Client) Receive() (Incoming, error) {
	in, err := c.receive()
	if err != nil {
		_ = c.conn.Close()
	}
	return in, err
}

func (c *Client) receive() (Incoming, error) {
	var in Incoming
	for {
		h, err := ws.ReadHeader(c.r)
		if err != nil {
			return in, err
		}
		if h.Masked || h.Length > 64<<20 || h.OpCode.IsControl() && h.Length > ws.MaxControlFramePayloadSize {
			return in, fmt.Errorf("the server broke the protocol with a frame of %d bytes", h.Length)
		}
		payload := make([]byte, h.Length)
		if _, err := io.ReadFull(c.r, payload); err != nil {
			return in, err
		}
		switch h.OpCode {
		case ws.OpPing:
			_ = c.write(ws.NewPongFrame(payload))
		case ws.OpPong:
			return Incoming{Data: payload, Pong: true}, nil
		case ws.OpClose:
			return in, c.peerClosed(payload)
		default:
			in.Binary = in.Binary || h.OpCode == ws.OpBinary
			in.Data = append(in.Data, payload...)
			if h.Fin {
				return in, nil
			}
		}
	}
}

// peerClosed answers the server's close frame with its own code.
func (c *Client) peerClosed(payload []byte) error {
	code, fail := parseClose(payload)
	if fail != nil {
		code = *fail
	}
	answer := ws.NewCloseFrame(nil)
	if mayBeSent(code.Code) {
		answer = ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusCode(code.Code), ""))
	}
	_ = c.write(answer)
	return &code
}
