package socket

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

func TestTimers(t *testing.T) {
	rows := []struct {
		name    string
		options func(*Options)
		during  func(client net.Conn, c *Conn) // takes nine minutes
		open    bool                           // is the connection open after eleven minutes?
	}{
		{"silence for ten minutes closes", nil, func(net.Conn, *Conn) {}, false},
		{"a message from the client keeps it open", nil, func(client net.Conn, _ *Conn) { _, _ = client.Write(text("x")) }, true},
		{"a push keeps it open", nil, func(_ net.Conn, c *Conn) { _ = c.Send([]byte("x")) }, true},
		{"a ping does not", nil, func(client net.Conn, _ *Conn) { _, _ = client.Write(ping("x")) }, false},
		{"a ping does when asked for", func(o *Options) { o.PingsKeepAlive = true }, func(client net.Conn, _ *Conn) { _, _ = client.Write(ping("x")) }, true},
		{"the oldest age closes an active connection", func(o *Options) { o.MaxAge = 10 * time.Minute }, func(client net.Conn, _ *Conn) { _, _ = client.Write(text("x")) }, false},
		{"no timers, no end", func(o *Options) { o.IdleTimeout = 0 }, func(net.Conn, *Conn) {}, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := limits()
				o.IdleTimeout = 10 * time.Minute
				if row.options != nil {
					row.options(o)
				}
				h := &echo{}
				c, client := start(t, o, h)
				got := receive(client)
				time.Sleep(9 * time.Minute)
				row.during(client, c)
				time.Sleep(2 * time.Minute)
				closed := strings.Contains(got.frames(t), "close 1001 Going away")
				if closed == row.open {
					t.Errorf("received %q", got.frames(t))
				}
				if closed {
					_, _ = client.Write(closing(1001, "Going away"))
					synctest.Wait()
					if h.end() != "1001 Going away" {
						t.Errorf("ended with %q", h.end())
					}
				}
			})
		})
	}
}

func TestTheServersClose(t *testing.T) {
	t.Run("ends with the client's answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := &echo{}
			c, client := start(t, limits(), h)
			got := receive(client)
			c.Close(StatusNormal, "Connection Closed Normally")
			c.Close(StatusGoingAway, "too late")
			synctest.Wait()
			if err := c.Send([]byte("x")); !errors.Is(err, ErrClosed) {
				t.Errorf("Send after Close: %v", err)
			}
			_, _ = client.Write(text("dropped"))
			_, _ = client.Write(closing(1000, "whatever"))
			<-got.done
			synctest.Wait()
			if f := got.frames(t); f != "close 1000 Connection Closed Normally" || h.end() != "1000 Connection Closed Normally" {
				t.Errorf("sent %q, ended with %q", f, h.end())
			}
		})
	})
	t.Run("ends without one after CloseWait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := &echo{}
			c, client := start(t, limits(), h)
			got := receive(client)
			began := time.Now()
			c.Close(StatusNormal, "")
			<-got.done
			if waited := time.Since(began); waited != defaultCloseWait {
				t.Errorf("waited %v", waited)
			}
		})
	})
	t.Run("aborts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := &echo{}
			c, client := start(t, limits(), h)
			got := receive(client)
			synctest.Wait()
			c.Abort()
			<-got.done
			synctest.Wait()
			if h.end() != "1006" {
				t.Errorf("ended with %q", h.end())
			}
		})
	})
}

func TestAClientThatDoesNotReadHoldsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := limits()
		o.QueueBytes = 1000
		h := &echo{}
		c, client := start(t, o, h)
		r := bufio.NewReader(client)
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var writing sync.WaitGroup
		writing.Go(func() { _ = c.Send([]byte("first")) }) // waits in the transport
		synctest.Wait()
		for i := range 9 {
			if err := c.Send(make([]byte, 100)); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
		}
		if err := c.Send(make([]byte, 100)); !errors.Is(err, ErrSlow) {
			t.Errorf("over the bound: %v", err)
		}
		writing.Wait()
		c.Close(1000, "")
		synctest.Wait()
		if h.end() != "" {
			t.Errorf("ended with %q before anything was read", h.end())
		}
		var got []string
		for len(got) < 11 {
			f, err := ws.ReadFrame(r)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(f.Header.OpCode, len(f.Payload)))
		}
		if want := "1 5" + strings.Repeat(",1 100", 9) + ",8 2"; strings.Join(got, ",") != want {
			t.Errorf("received %s, want %s", strings.Join(got, ","), want)
		}
		_ = client.Close()
		synctest.Wait()
		if h.end() != "1000" {
			t.Errorf("ended with %q", h.end())
		}
	})
}

func TestWritesThatTakeTooLongEndTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &echo{}
		c, client := start(t, limits(), h)
		if _, err := io.ReadFull(client, make([]byte, len(answerText))); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := c.Send([]byte("never read")); err != nil {
			t.Errorf("Send: %v", err)
		}
		time.Sleep(defaultWriteTimeout)
		synctest.Wait()
		if err := c.Send([]byte("afterwards")); !errors.Is(err, ErrClosed) {
			t.Errorf("Send: %v", err)
		}
		if h.end() != "1006" {
			t.Errorf("ended with %q", h.end())
		}
	})
}

func TestMessagesLeaveInTheOrderOfTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, client := start(t, limits(), &echo{})
		shared := NewFrame([]byte("shared"))
		var want []string
		for i := range 50 { // before the 101: all of it queues
			if i%10 == 9 {
				_ = c.SendFrame(shared)
				want = append(want, "text shared")
				continue
			}
			_ = c.Send(fmt.Appendf(nil, "%d", i))
			want = append(want, fmt.Sprintf("text %d", i))
		}
		got := receive(client)
		synctest.Wait()
		if f := got.frames(t); f != strings.Join(want, "; ") {
			t.Errorf("received %s", f)
		}
	})
}

func TestUpgradeOverHTTP(t *testing.T) {
	h := &echo{}
	var serving sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrade(w, r, http.Header{"Sec-WebSocket-Protocol": {"chat", "evil\r\nX: y"}}, limits())
		if err != nil {
			var broken *HandshakeError
			errors.As(err, &broken)
			http.Error(w, err.Error(), broken.Status)
			return
		}
		_ = c.Send([]byte("welcome"))
		serving.Go(func() { c.Serve(h) })
	}))
	defer serving.Wait()
	defer server.Close()

	client, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	const request = "GET /dev HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	// A frame sent together with the handshake is not lost.
	if _, err := client.Write(append([]byte(request), text("early")...)); err != nil {
		t.Fatal(err)
	}
	const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
	got := make([]byte, len(answer))
	if _, err := io.ReadFull(client, got); err != nil || string(got) != answer {
		t.Fatalf("answered %q, %v", got, err)
	}
	for _, want := range []string{"welcome", "early"} {
		f, err := ws.ReadFrame(client)
		if err != nil || string(f.Payload) != want {
			t.Fatalf("received %q, %v, want %q", f.Payload, err, want)
		}
	}
	_, _ = client.Write(closing(4000, "done"))
	if rest, _ := io.ReadAll(client); describe(ws.OpClose, rest[2:]) != "close 4000 done" {
		t.Errorf("received %q", rest)
	}
	eventually(t, "the handler hears of the end", func() bool { return h.end() == "4000 done" })
}

// settling is a transport that stands in front of another, as front's does.
type settling struct{ net.Conn }

func (s settling) Settled() net.Conn { return s.Conn }

type settlingListener struct{ net.Listener }

func (l settlingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return settling{c}, nil
}

func TestTimersDoNotDisturbTLS(t *testing.T) {
	h := &echo{}
	var serving sync.WaitGroup
	served := make(chan *Conn, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := limits()
		o.IdleTimeout = time.Hour
		c, err := upgrade(w, r, nil, o)
		if err != nil {
			t.Error(err)
			return
		}
		served <- c
		serving.Go(func() { c.Serve(h) })
	}))
	server.StartTLS()
	defer serving.Wait()
	defer server.Close()
	client, err := tls.Dial("tcp", server.Listener.Addr().String(), server.Client().Transport.(*http.Transport).TLSClientConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	r := bufio.NewReader(client)
	_, _ = io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	if res, err := http.ReadResponse(r, nil); err != nil || res.StatusCode != 101 {
		t.Fatal(res, err)
	}
	c := <-served
	for i := range 5 {
		_ = c.transport.SetReadDeadline(time.Now()) // as when a timer is due
		message := strings.Repeat(fmt.Sprint(i), 5000)
		half := text(message)
		_, _ = client.Write(half[:100])
		_ = c.transport.SetReadDeadline(time.Now())
		_, _ = client.Write(half[100:])
		f, err := ws.ReadFrame(r)
		if err != nil || string(f.Payload) != message {
			t.Fatalf("message %d: %v", i, err)
		}
	}
}

func TestUpgradeGoesOnWithTheSettledTransport(t *testing.T) {
	served := make(chan *Conn, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrade(w, r, nil, limits())
		if err != nil {
			t.Error(err)
			return
		}
		served <- c
	}))
	server.Listener = settlingListener{server.Listener}
	server.Start()
	defer server.Close()
	client, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	_, _ = io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	c := <-served
	if _, plain := c.transport.(*net.TCPConn); !plain {
		t.Errorf("the transport is a %T", c.transport)
	}
	c.Abort()
	c.Serve(&echo{})
}

func TestHandshakesThatAreRefused(t *testing.T) {
	rows := []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"a good one", func(*http.Request) {}, 0},
		{"an ordinary GET", func(r *http.Request) { r.Header.Del("Upgrade") }, 426},
		{"another upgrade", func(r *http.Request) { r.Header.Set("Upgrade", "h2c") }, 426},
		{"no Connection: Upgrade", func(r *http.Request) { r.Header.Set("Connection", "close") }, 426},
		{"POST", func(r *http.Request) { r.Method = "POST" }, 426},
		{"version 8", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Version", "8") }, 426},
		{"no key", func(r *http.Request) { r.Header.Del("Sec-WebSocket-Key") }, 400},
		{"two keys", func(r *http.Request) { r.Header.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==") }, 400},
		{"a short key", func(r *http.Request) { r.Header.Set("Sec-WebSocket-Key", "AAAA") }, 400},
		{"HTTP/1.0", func(r *http.Request) { r.ProtoMajor, r.ProtoMinor = 1, 0 }, 426},
	}
	for _, row := range rows {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Version", "13")
		r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
		row.change(r)
		var broken *HandshakeError
		status := 0
		if errors.As(CheckHandshake(r), &broken) {
			status = broken.Status
		}
		if status != row.status {
			t.Errorf("%s: %d, want %d", row.name, status, row.status)
		}
	}
}
