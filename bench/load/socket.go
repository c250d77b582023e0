package load

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// dialers open sockets at the same time.
const dialers = 16

// sockets are the WebSocket connections of a load process.
type sockets struct {
	fds []int
	ids []string   // as the handshake told them
	tls []net.Conn // idle ones over TLS
}

// connectionID is the header in which a floor tells a connection's id.
const connectionID = "X-Connection-Id: "

// dial opens sockets; when it is to churn, it closes each at once, so that
// there are never more than there are dialers.
func (s *sockets) dial(c *Command) (*Result, error) {
	request := "GET " + c.Path + " HTTP/1.1\r\nHost: " + c.Address + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
	s.fds, s.ids, s.tls = make([]int, c.Count), make([]string, c.Count), make([]net.Conn, c.Count)
	one := func(i int) (err error) {
		if c.TLS {
			s.tls[i], err = dialTLS(c.Address, request)
			return err
		}
		s.fds[i], s.ids[i], err = dialPlain(c.Address, i, request)
		return err
	}
	if c.Do == "churn" {
		open := one
		one = func(i int) error {
			if err := open(i); err != nil {
				return err
			}
			return s.close(i)
		}
	}
	began := time.Now()
	var next atomic.Int64
	var group errgroup.Group
	for range dialers {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < c.Count; i = int(next.Add(1)) - 1 {
				if err := one(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return &Result{Count: c.Count, Seconds: time.Since(began).Seconds()}, err
}

// close closes one socket.
func (s *sockets) close(i int) error {
	if s.tls[i] != nil {
		return s.tls[i].Close()
	}
	return unix.Close(s.fds[i])
}

// dialTLS takes any certificate: the server is on this machine, and the local
// authority is not what is measured.
func dialTLS(address, request string) (net.Conn, error) {
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}) //nolint:gosec // see above
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, err
	}
	_, err = readHandshake(conn)
	return conn, err
}

// dialPlain uses a blocking descriptor, without Go's poller. Clients come from
// eight addresses: a nearly full range of ports makes connect itself slow.
func dialPlain(address string, i int, request string) (fd int, id string, err error) {
	fd, err = connect(address, [4]byte{127, 0, byte(1 + i%8), 1})
	if err != nil {
		return -1, "", err
	}
	if _, err := unix.Write(fd, []byte(request)); err != nil {
		return -1, "", err
	}
	header, err := readHandshake(descriptor(fd))
	if err != nil {
		return -1, "", err
	}
	if _, rest, ok := bytes.Cut(header, []byte(connectionID)); ok {
		value, _, _ := bytes.Cut(rest, []byte("\r"))
		id = string(value)
	}
	return fd, id, nil
}

func connect(address string, from [4]byte) (int, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return -1, err
	}
	to := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if ip := net.ParseIP(host).To4(); ip != nil {
		copy(to.Addr[:], ip)
	}
	to.Port, _ = strconv.Atoi(port)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		// Closing resets, so that no port waits.
		unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}),
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 20}),
	)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: from})
	}
	if err == nil {
		err = unix.Connect(fd, to)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connecting to %s: %w", address, err)
	}
	return fd, nil
}

// descriptor reads a blocking file descriptor.
type descriptor int

func (d descriptor) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(int(d), b)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func readHandshake(r io.Reader) ([]byte, error) {
	var b [2048]byte
	for have := 0; have < len(b); {
		n, err := r.Read(b[have:])
		if err != nil {
			return nil, fmt.Errorf("in the handshake: %w", err)
		}
		have += n
		// A server may have said more already, which nobody asks for.
		if end := bytes.Index(b[:have], []byte("\r\n\r\n")); end >= 0 {
			if !bytes.HasPrefix(b[:have], []byte("HTTP/1.1 101")) {
				return nil, fmt.Errorf("handshake refused: %q", b[:have])
			}
			return b[:end+4], nil
		}
	}
	return nil, errors.New("a handshake without end")
}

// identify tells every socket's connection id. API Gateway puts it into its
// answer to a message for which there is no route.
func (s *sockets) identify() (*Result, error) {
	frame := masked(`{"action":"no such route"}`)
	buffer := make([]byte, 1024)
	for i, fd := range s.fds {
		if s.ids[i] != "" {
			continue
		}
		if _, err := unix.Write(fd, frame); err != nil {
			return nil, err
		}
		have := 0
		for have < 2 || have < 2+int(buffer[1]) {
			n, err := descriptor(fd).Read(buffer[have:])
			if err != nil {
				return nil, err
			}
			if have += n; have > 1 && buffer[1] > 125 {
				return nil, fmt.Errorf("a long answer: %q", buffer[:have])
			}
		}
		var answer struct{ ConnectionID string }
		if err := json.Unmarshal(buffer[2:have], &answer); err != nil || answer.ConnectionID == "" {
			return nil, fmt.Errorf("no connection id in %q: %w", buffer[2:have], err)
		}
		s.ids[i] = answer.ConnectionID
	}
	return &Result{IDs: s.ids}, nil
}

// tell sends a message on every socket, in which {i} is its number in five
// digits, and reads until its server's bytes end in so many.
func (s *sockets) tell(message, until string) (*Result, error) {
	buffer := make([]byte, 4096)
	for i, fd := range s.fds {
		if _, err := unix.Write(fd, masked(strings.ReplaceAll(message, "{i}", fmt.Sprintf("%05d", i)))); err != nil {
			return nil, err
		}
		for have := 0; !bytes.HasSuffix(buffer[:have], []byte(until)); {
			n, err := descriptor(fd).Read(buffer[have:])
			if err != nil || n == 0 {
				return nil, fmt.Errorf("%.300q does not end in %q: %w", buffer[:have], until, err)
			}
			have += n
		}
	}
	return &Result{Count: len(s.fds)}, nil
}

// masked is a text frame from a client.
func masked(message string) []byte {
	key := [4]byte{0x12, 0x34, 0x56, 0x78}
	b := []byte{0x81}
	if len(message) < 126 {
		b = append(b, 0x80|byte(len(message)))
	} else {
		b = append(b, 0x80|126)
		b = binary.BigEndian.AppendUint16(b, uint16(len(message)))
	}
	b = append(b, key[:]...)
	for i := range len(message) {
		b = append(b, message[i]^key[i&3])
	}
	return b
}

// FrameSize is the size of a server's frame.
func FrameSize(message int) int {
	if message < 126 {
		return message + 2
	}
	return message + 4
}

// epoll waits for descriptors, which it makes non-blocking.
func epoll(fds []int) (int, error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return -1, err
	}
	for _, fd := range fds {
		err := errors.Join(unix.SetNonblock(fd, true), unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}))
		if err != nil {
			return -1, err
		}
	}
	return ep, nil
}

// wait returns the descriptors with something to read, none after 20 s.
func wait(ep int, events []unix.EpollEvent) ([]unix.EpollEvent, error) {
	for {
		n, err := unix.EpollWait(ep, events, 20_000)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return events[:max(n, 0)], err
	}
}

// echo keeps one message in flight on every socket until the time is over.
func (s *sockets) echo(c *Command) (*Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	frame, want, duration := masked(c.Message), FrameSize(c.Reply), time.Duration(c.Millis)*time.Millisecond
	ep, err := epoll(s.fds)
	if err != nil {
		return nil, err
	}
	defer unix.Close(ep)
	highest := slices.Max(s.fds)
	got, sent := make([]int, highest+1), make([]time.Time, highest+1)
	all := make(latencies, 0, 1<<20)
	began := time.Now()
	for _, fd := range s.fds {
		sent[fd] = time.Now()
		if _, err := unix.Write(fd, frame); err != nil {
			return nil, err
		}
	}
	events, buffer := make([]unix.EpollEvent, 256), make([]byte, 64<<10)
	for open := len(s.fds); open > 0; {
		ready, err := wait(ep, events)
		if err != nil || len(ready) == 0 {
			return nil, fmt.Errorf("%d messages were not answered: %w", open, err)
		}
		for _, e := range ready {
			n, err := unix.Read(int(e.Fd), buffer)
			if errors.Is(err, unix.EAGAIN) {
				continue
			}
			if err != nil || n == 0 {
				return nil, fmt.Errorf("a socket was closed: %w", err)
			}
			if got[e.Fd] += n; got[e.Fd] < want {
				continue
			}
			if got[e.Fd] > want {
				return nil, fmt.Errorf("an answer of %d bytes, not %d: %.200q", got[e.Fd], want, buffer[:n])
			}
			got[e.Fd] = 0
			now := time.Now()
			all = append(all, uint32(now.Sub(sent[e.Fd])))
			if now.Sub(began) > duration {
				open--
				continue
			}
			sent[e.Fd] = now
			if _, err := unix.Write(int(e.Fd), frame); err != nil {
				return nil, err
			}
		}
	}
	return all.result(time.Since(began)), nil
}

// receive reads until so many bytes have come, for ever when that is 0.
func (s *sockets) receive(want int, answer *json.Encoder) (*Result, error) {
	ep, err := epoll(s.fds)
	if err != nil {
		return nil, err
	}
	defer unix.Close(ep)
	if err := answer.Encode(Result{Armed: true}); err != nil {
		return nil, err
	}
	events, buffer := make([]unix.EpollEvent, 512), make([]byte, 64<<10)
	got, last := 0, time.Now()
	for got < want || want == 0 {
		ready, err := wait(ep, events)
		if err != nil || len(ready) == 0 && want != 0 {
			return nil, fmt.Errorf("%d of %d bytes came: %w", got, want, err)
		}
		for _, e := range ready {
			n, err := unix.Read(int(e.Fd), buffer)
			if errors.Is(err, unix.EAGAIN) {
				continue
			}
			if err != nil || n == 0 {
				return nil, fmt.Errorf("a socket was closed: %w", err)
			}
			got += n
		}
		last = time.Now()
	}
	return &Result{Count: got, Last: last.UnixNano()}, nil
}
