package socket

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/suiro-dev/suiro/internal/nonblock"
)

// Lot is where idle connections wait without a goroutine. A parked connection
// is its descriptor in one epoll set, and an entry in the table of those. One
// goroutine waits for all of them; one that becomes readable, or is due, gets
// a goroutine, which reads on with the same code and stays for a moment.
//
// The zero value is ready; it opens nothing before the first connection comes.
type Lot struct {
	// Linger is for how long a connection that was woken keeps its goroutine
	// after what it heard last, and at most twice as long: one that goes on
	// talking is read as if there were no Lot. 0 is a second.
	Linger time.Duration

	mu     sync.Mutex
	epoll  *os.File // nil before the first connection
	set    int      // epoll's descriptor
	closed bool
	places []place // by descriptor: nobody else can have it while it is parked
	turn   uint32  // of the latest stay
	alarms alarms
	next   int64 // Unix nanoseconds of epoll's deadline; 0 is none

	readers sync.WaitGroup // parked connections and those that were woken
	waiting sync.WaitGroup // the goroutine that waits
}

// place is where a descriptor's connection is, if it is parked.
type place struct {
	conn  *Conn
	turn  uint32 // tells stays apart: an event of an earlier one is for nobody
	alarm int32  // index in alarms; -1 without
}

// descriptor is the transport of a connection that has been parked. It costs
// no system call to make beyond what the runtime's poller needs.
type descriptor struct {
	*os.File
	raw syscall.RawConn
}

// SyscallConn implements syscall.Conn.
func (d *descriptor) SyscallConn() (syscall.RawConn, error) { return d.raw, nil }

// Read is that of the file without the scheduler's share, as package nonblock
// has it.
func (d *descriptor) Read(p []byte) (int, error) {
	return nonblock.ReadRaw(d.raw, p[:min(len(p), maxRead)])
}

// maxRead is how much is copied at once while the scheduler is not told.
const maxRead = 64 << 10

// CloseWrite is what net.TCPConn has.
func (d *descriptor) CloseWrite() (err error) {
	failed := d.raw.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_WR) })
	return errors.Join(failed, err)
}

// admit takes a connection in, by a descriptor of its own: the transport's own
// is bound to the runtime's poller, which costs more than all else of a parked
// connection. False leaves everything as it was. c.mu is held.
func (l *Lot) admit(c *Conn) bool {
	fd, err := duplicate(c.raw)
	if err != nil {
		return false // descriptors are used up, perhaps
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if fd >= 1<<descriptorBits || !l.open() {
		_ = unix.Close(fd)
		return false
	}
	for len(l.places) <= fd {
		l.places = append(l.places, place{alarm: -1})
	}
	p := &l.places[fd]
	l.turn++
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: int32(fd), Pad: int32(l.turn)}
	if unix.EpollCtl(l.set, unix.EPOLL_CTL_ADD, fd, &event) != nil {
		_ = unix.Close(fd)
		return false
	}
	p.conn, p.turn = c, l.turn
	c.fd, c.turn = int32(fd), l.turn
	if due := c.due(); due != 0 {
		l.alarms.add(l.places, newAlarm(due, c.fd))
		l.ring()
	}
	l.readers.Add(1)
	return true
}

func duplicate(raw syscall.RawConn) (fd int, err error) {
	failed := raw.Control(func(of uintptr) { fd, err = unix.FcntlInt(of, unix.F_DUPFD_CLOEXEC, 0) })
	if failed != nil {
		return 0, failed
	}
	return fd, err
}

// dismiss lets a connection go and returns its transport. conn.mu is held.
func (l *Lot) dismiss(c *Conn) transport {
	l.mu.Lock()
	p := &l.places[c.fd]
	if p.alarm >= 0 {
		l.alarms.remove(l.places, int(p.alarm))
	}
	p.conn = nil
	l.mu.Unlock()
	// Before the descriptor can be closed: an event of it would come for ever
	// if a copy of it lived on elsewhere.
	_ = unix.EpollCtl(l.set, unix.EPOLL_CTL_DEL, int(c.fd), nil)
	file := os.NewFile(uintptr(c.fd), "websocket")
	raw, _ := file.SyscallConn() // fails for no file only
	return &descriptor{file, raw}
}

func (l *Lot) leave() { l.readers.Done() }

// open makes the epoll set when the first connection comes; l.mu is held.
func (l *Lot) open() bool {
	if l.closed || l.epoll != nil {
		return !l.closed
	}
	set, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return false
	}
	_ = unix.SetNonblock(set, true) // so that NewFile gives it to the runtime's poller
	l.set, l.epoll = set, os.NewFile(uintptr(set), "epoll")
	raw, err := l.epoll.SyscallConn()
	if err == nil {
		err = l.epoll.SetReadDeadline(time.Time{})
	}
	if err != nil { // an epoll set within another is not possible here
		_ = l.epoll.Close()
		l.epoll = nil
		return false
	}
	l.waiting.Go(func() { l.wait(raw) })
	return true
}

// wait runs until the epoll set is closed. It waits in the runtime's poller,
// as every other goroutine does, for the set to have something: no thread is
// held, and there is no hand-over between threads when something comes.
func (l *Lot) wait(raw syscall.RawConn) {
	events := make([]unix.EpollEvent, 256)
	var n int
	take := func(set uintptr) bool {
		got, err := unix.EpollWait(int(set), events, 0)
		n = max(got, 0)
		return n > 0 || err != nil && err != unix.EINTR
	}
	for {
		n = 0
		err := raw.Read(take)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			l.due(time.Now().UnixNano())
		case err != nil:
			return
		}
		l.mu.Lock()
		for _, e := range events[:n] {
			if p := &l.places[e.Fd]; p.conn != nil && p.turn == uint32(e.Pad) {
				l.call(p)
			}
		}
		l.mu.Unlock()
	}
}

// call gives a parked connection a goroutine; l.mu is held.
func (l *Lot) call(p *place) {
	c, turn := p.conn, p.turn
	l.readers.Go(func() { c.resume(turn) })
}

// due wakes the connections whose time has come; they see to the rest.
func (l *Lot) due(now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = 0
	for len(l.alarms) > 0 && l.alarms[0].at() <= now {
		p := &l.places[l.alarms[0].fd()]
		if later := p.conn.due(); later > now { // it was sent something meanwhile
			l.alarms.postpone(l.places, later)
			continue
		}
		l.alarms.remove(l.places, 0)
		l.call(p)
	}
	l.ring()
	if l.next == 0 {
		_ = l.epoll.SetReadDeadline(time.Time{})
	}
}

// ring sets the deadline of the wait to the earliest alarm, unless it is
// earlier already; l.mu is held.
func (l *Lot) ring() {
	if len(l.alarms) == 0 {
		return
	}
	if at := l.alarms[0].at(); l.next == 0 || at < l.next {
		l.next = at
		_ = l.epoll.SetReadDeadline(time.Unix(0, at))
	}
}

// Close ends the Lot and waits for the connections that were ever parked in
// it, which somebody else must close. Whoever comes later keeps its goroutine.
func (l *Lot) Close() {
	l.mu.Lock()
	l.closed = true
	for i := range l.places {
		if p := &l.places[i]; p.conn != nil {
			l.call(p)
		}
	}
	epoll := l.epoll
	l.mu.Unlock()
	l.readers.Wait()
	if epoll != nil {
		_ = epoll.Close()
	}
	l.waiting.Wait()
}
