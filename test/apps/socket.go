package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

// socket is a client's connection. One goroutine reads it, to the end of the
// connection, so that a close frame is seen while nobody waits for a message.
type socket struct {
	conn   *websocket.Conn
	cancel context.CancelFunc
	frames chan []byte // closed at the end of the connection
	err    error       // why it ended; read after frames is closed
}

func (c *socket) read(ctx context.Context) {
	defer close(c.frames)
	for {
		_, data, err := c.conn.Read(ctx)
		if err != nil {
			c.err = err
			return
		}
		select {
		case c.frames <- data:
		case <-ctx.Done():
			return
		}
	}
}

func (c *socket) close() {
	c.cancel()
	_ = c.conn.CloseNow()
	for range c.frames { //nolint:revive // until the reader ended
	}
}

func (s *session) open(ctx context.Context, st *openStep) error {
	header := http.Header{}
	for name, value := range st.Headers {
		header.Set(name, s.fill(value))
	}
	url := st.URL
	if url == "" {
		url = "${websocket}"
	}
	dialing, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	var offered []string
	for _, name := range st.Subprotocols {
		offered = append(offered, s.fill(name))
	}
	conn, res, err := websocket.Dial(dialing, s.fill(url), &websocket.DialOptions{HTTPClient: s.client(), HTTPHeader: header, Subprotocols: offered})
	want := st.Status
	if want == 0 {
		want = http.StatusSwitchingProtocols
	}
	got := 0
	if res != nil {
		got = res.StatusCode
	}
	if got != want {
		if conn != nil {
			_ = conn.CloseNow()
		}
		seen := strconv.Itoa(got)
		if err != nil {
			seen += " (" + err.Error() + ")"
		}
		return &mismatch{"the handshake of " + st.As, strconv.Itoa(want), seen}
	}
	if want != http.StatusSwitchingProtocols {
		return nil
	}
	if err != nil {
		return &mismatch{"the handshake of " + st.As, "an open connection", err.Error()}
	}
	if st.Subprotocol != "" && conn.Subprotocol() != st.Subprotocol {
		_ = conn.CloseNow()
		return &mismatch{"the subprotocol", st.Subprotocol, conn.Subprotocol()}
	}
	conn.SetReadLimit(1 << 20)
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &socket{conn: conn, cancel: stop, frames: make(chan []byte, 1024)}
	go c.read(reading)
	s.sockets[st.As] = c
	return nil
}

func (s *session) socket(name string) (*socket, error) {
	if c := s.sockets[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("no connection is called %q", name)
}

func (s *session) send(ctx context.Context, st *sendStep) error {
	c, err := s.socket(st.To)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	switch {
	case st.JSON != nil:
		var b []byte
		if b, err = json.Marshal(s.fillValue(st.JSON)); err != nil {
			return err
		}
		return c.conn.Write(ctx, websocket.MessageText, b)
	case st.Binary != "":
		var b []byte
		if b, err = base64.StdEncoding.DecodeString(st.Binary); err != nil {
			return err
		}
		return c.conn.Write(ctx, websocket.MessageBinary, b)
	}
	return c.conn.Write(ctx, websocket.MessageText, []byte(s.fill(st.Text)))
}

func (s *session) receive(st *receiveStep) error {
	c, err := s.socket(st.From)
	if err != nil {
		return err
	}
	timer := time.NewTimer(st.Within.or(stepTime))
	defer timer.Stop()
	what := "a frame for " + st.From
	expected := show(s.fillValue(st.JSON))
	if st.JSON == nil {
		expected = strconv.Quote(s.fill(st.Text))
	}
	var last error
	for {
		select {
		case data, ok := <-c.frames:
			if !ok {
				return &mismatch{what, expected, fmt.Sprintf("the end of the connection: %v", c.err)}
			}
			last = expectText(what, s.fill(st.Text), string(data))
			if last == nil {
				last = expectJSON(what, s.fillValue(st.JSON), string(data))
			}
			if last == nil {
				return s.save(st.Save, string(data))
			}
			if !st.Skip {
				return last
			}
		case <-timer.C:
			if last != nil {
				return last
			}
			return &mismatch{what, expected, "nothing in " + st.Within.or(stepTime).String()}
		}
	}
}

func (s *session) silence(st *silenceStep) error {
	c, err := s.socket(st.From)
	if err != nil {
		return err
	}
	timer := time.NewTimer(st.For.or(time.Second))
	defer timer.Stop()
	select {
	case data, ok := <-c.frames:
		if !ok {
			return &mismatch{st.From, "an open connection", fmt.Sprint(c.err)}
		}
		return &mismatch{st.From, "no frame", strconv.Quote(string(data))}
	case <-timer.C:
		return nil
	}
}

func (s *session) closeSocket(name string) error {
	c, err := s.socket(name)
	if err != nil {
		return err
	}
	delete(s.sockets, name)
	err = c.conn.Close(websocket.StatusNormalClosure, "")
	c.close()
	var ended websocket.CloseError
	if errors.As(err, &ended) {
		return nil
	}
	return err
}

func (s *session) closed(st *closedStep) error {
	c, err := s.socket(st.From)
	if err != nil {
		return err
	}
	timer := time.NewTimer(st.Within.or(stepTime))
	defer timer.Stop()
	for {
		select {
		case _, ok := <-c.frames:
			if ok {
				continue
			}
			if code := websocket.CloseStatus(c.err); st.Code != 0 && int(code) != st.Code {
				return &mismatch{"the close of " + st.From, strconv.Itoa(st.Code), fmt.Sprint(c.err)}
			}
			return nil
		case <-timer.C:
			return &mismatch{st.From, "the end of the connection", "it is open"}
		}
	}
}
