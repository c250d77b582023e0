package floor

import (
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// hybrid is a WebSocket server whose handshakes are net/http's, and whose
// connections then leave Go's poller: a descriptor in an epoll loop each,
// without a goroutine and without a buffer. It echoes messages. It is the
// least that an idle socket can cost beside a server that is net/http's; it
// does no TLS.
type hybrid struct {
	loops []*parking
	next  atomic.Uint32
}

func newHybrid() (*hybrid, error) {
	h := new(hybrid)
	for range runtime.GOMAXPROCS(0) {
		ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		if err != nil {
			return nil, err
		}
		p := &parking{ep: ep}
		go p.run()
		h.loops = append(h.loops, p)
	}
	return h, nil
}

func (h *hybrid) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, err = raw.Write(switching(r, ""))
	fd := -1
	if err == nil {
		fd, err = duplicate(raw)
	}
	// The original goes first: while there are two, closing the copy does not
	// take it out of its epoll.
	_ = raw.Close()
	if err != nil {
		return
	}
	if err := h.loops[int(h.next.Add(1))%len(h.loops)].add(fd); err != nil {
		_ = unix.Close(fd)
	}
}

// duplicate is a descriptor of the same connection that Go's poller does not
// know.
func duplicate(c net.Conn) (fd int, err error) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return -1, errors.New("no TCP connection")
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return -1, err
	}
	controlled := raw.Control(func(of uintptr) { fd, err = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(controlled, err)
}

// parked is one connection.
type parked struct {
	fd   int
	rest []byte // of a frame that has only begun
}

func (c *parked) received(f []byte, header, length int) error {
	return c.send(echo(f, header, length))
}

func (c *parked) send(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(c.fd, b)
		if errors.Is(err, unix.EAGAIN) { // a server would queue
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLOUT}}, 1000)
			continue
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// parking is an epoll loop and its connections by descriptor.
type parking struct {
	ep int

	mu    sync.Mutex
	conns []*parked
}

func (p *parking) add(fd int) error {
	p.mu.Lock()
	for fd >= len(p.conns) {
		p.conns = append(p.conns, make([]*parked, 1024)...)
	}
	p.conns[fd] = &parked{fd: fd}
	p.mu.Unlock()
	return unix.EpollCtl(p.ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

func (p *parking) run() {
	runtime.LockOSThread()
	events, buffer := make([]unix.EpollEvent, 512), make([]byte, 64<<10)
	for {
		n, err := unix.EpollWait(p.ep, events, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		for _, e := range events[:max(n, 0)] {
			p.mu.Lock()
			c := p.conns[e.Fd]
			p.mu.Unlock()
			if err := c.read(buffer); err != nil {
				p.mu.Lock()
				p.conns[e.Fd] = nil
				p.mu.Unlock()
				_ = unix.Close(c.fd)
			}
		}
	}
}

func (c *parked) read(buffer []byte) error {
	have := copy(buffer, c.rest)
	n, err := unix.Read(c.fd, buffer[have:])
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return io.EOF
	}
	used, need, err := consume(c, buffer[:have+n])
	if need > len(buffer) {
		return io.ErrShortBuffer
	}
	c.rest = nil
	if left := buffer[used : have+n]; len(left) > 0 {
		c.rest = append(c.rest, left...)
	}
	return err
}
