package nonblock

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pair is both ends of a TCP connection, the first of them ours.
func pair(t *testing.T) (net.Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := Conn(near)
	t.Cleanup(func() { c.Close(); far.Close() })
	return c, far.(*net.TCPConn)
}

func TestBytesPassBothWaysAtTheSameTime(t *testing.T) {
	c, far := pair(t)
	data := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // more than the kernel holds
	go func() { _, _ = io.Copy(far, far); _ = far.CloseWrite() }()
	var writing sync.WaitGroup
	writing.Go(func() {
		for rest := data; len(rest) > 0; {
			n, err := c.Write(rest[:min(len(rest), 48<<10)])
			if err != nil {
				t.Error(err)
				break
			}
			rest = rest[n:]
		}
		if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Error(err)
		}
	})
	got, err := io.ReadAll(c)
	writing.Wait()
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
}

func TestWritesOfTwoGoroutinesDoNotMix(t *testing.T) {
	c, far := pair(t)
	const count, size = 200, 1000
	var writing sync.WaitGroup
	for _, b := range []byte{'a', 'b'} {
		writing.Go(func() {
			for range count {
				if n, err := c.Write(bytes.Repeat([]byte{b}, size)); n != size || err != nil {
					t.Errorf("wrote %d, %v", n, err)
				}
			}
		})
	}
	block := make([]byte, size)
	for range 2 * count {
		if _, err := io.ReadFull(far, block); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(block, block[:1]); n != size {
			t.Fatal("a block has bytes of both")
		}
	}
	writing.Wait()
}

func TestDeadlinesAndCloseEndAWait(t *testing.T) {
	c, _ := pair(t)
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err := c.Read(make([]byte, 1))
	var timeout net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("at the deadline: %v", err)
	}
	_ = c.SetReadDeadline(time.Time{})
	ended := make(chan error)
	go func() { _, err := c.Read(make([]byte, 1)); ended <- err }()
	_ = c.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write after Close: %v", err)
	}
}

func TestWhatTheOtherEndDoesIsToldAsByNet(t *testing.T) {
	c, far := pair(t)
	_ = far.SetLinger(0) // a reset
	_ = far.Close()
	_, err := c.Read(make([]byte, 1))
	var op *net.OpError
	if !errors.Is(err, syscall.ECONNRESET) || !errors.As(err, &op) || op.Op != "read" || op.Addr == nil {
		t.Errorf("a reset: %v", err)
	}
	if _, err = c.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) || !errors.As(err, &op) || op.Op != "write" {
		t.Errorf("a write after a reset: %v", err)
	}
}

func TestOtherConnectionsStayAsTheyAre(t *testing.T) {
	one, two := net.Pipe()
	defer two.Close()
	defer one.Close()
	if Conn(one) != one {
		t.Error("a pipe was wrapped")
	}
}
