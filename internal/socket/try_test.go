package socket

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// kernelPair is a connection through the kernel, whose buffers fill up.
func kernelPair(t testing.TB, secure bool) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	if secure {
		borrowed := httptest.NewTLSServer(nil)
		server = tls.Server(server, &tls.Config{Certificates: borrowed.TLS.Certificates})
		borrowed.Close()
		secured := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
		shaken := make(chan error, 1)
		go func() { shaken <- server.(*tls.Conn).Handshake() }()
		if err := errors.Join(secured.Handshake(), <-shaken); err != nil {
			t.Fatal(err)
		}
		client = secured
	}
	return server, client
}

func serveTCP(t *testing.T, o *Options, secure bool) (*Conn, net.Conn, *echo) {
	t.Helper()
	server, client := kernelPair(t, secure)
	c, h := newConn(server, o), &echo{}
	c.out.queue = []message{{shared: []byte(answerText)}}
	c.out.bytes = len(answerText)
	var serving sync.WaitGroup
	serving.Go(func() { c.Serve(h) })
	t.Cleanup(func() {
		_ = client.Close()
		serving.Wait()
	})
	if _, err := io.ReadFull(client, make([]byte, len(answerText))); err != nil {
		t.Fatal(err)
	}
	return c, client, h
}

// A poster never waits for a client that does not read: were a Send to wait,
// this test would hang, as no write times out here.
func TestSendNeverWaitsForTheClient(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			o := limits()
			o.QueueBytes, o.WriteTimeout = 256<<10, time.Hour
			c, client, h := serveTCP(t, o, secure)
			var err error
			for sent := 0; err == nil; sent++ {
				if sent > 1<<14 {
					t.Fatal("16384 messages of 4 KB fit nowhere")
				}
				err = c.Send(make([]byte, 4<<10))
			}
			if !errors.Is(err, ErrSlow) {
				t.Errorf("the end is %v", err)
			}
			if h.end() != "" {
				t.Errorf("ended with %q", h.end())
			}
			_ = client.Close()
			eventually(t, "the end", func() bool { return h.end() == "1006" })
		})
	}
}

// What the kernel took in part goes on where it stopped, and before everything
// that was sent later.
func TestMessagesCutByAFullBufferArriveWhole(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			o := limits()
			o.QueueBytes = 64 << 20
			c, client, _ := serveTCP(t, o, secure)
			const messages = 3000
			for i := range messages {
				body := append(binary.BigEndian.AppendUint32(nil, uint32(i)), strings.Repeat("x", i%9000)...)
				if err := c.SendFrame(NewFrame(body)); err != nil {
					t.Fatal(err)
				}
			}
			for i := range messages {
				f, err := ws.ReadFrame(client)
				if err != nil {
					t.Fatal(err)
				}
				if len(f.Payload) != 4+i%9000 || binary.BigEndian.Uint32(f.Payload) != uint32(i) || len(bytes.Trim(f.Payload[4:], "x")) > 0 {
					t.Fatalf("message %d came as %d bytes", i, len(f.Payload))
				}
			}
		})
	}
}

// The deadline of a write that had to wait is none for those that need not.
func TestAnOldWriteDeadlineDoesNotEndTheConnection(t *testing.T) {
	o := limits()
	o.WriteTimeout = 20 * time.Millisecond
	c, client, _ := serveTCP(t, o, false)
	time.Sleep(60 * time.Millisecond)
	if err := c.Send([]byte("late")); err != nil {
		t.Fatal(err)
	}
	if f, err := ws.ReadFrame(client); err != nil || string(f.Payload) != "late" {
		t.Errorf("%q, %v", f.Payload, err)
	}
}
