package process

import (
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// watcher waits for the output and the ends of all children with one
// goroutine, where each would need three that hold a stack as long as it
// lives. Its epoll is itself waited for by Go's poller, so that no thread is
// kept.
type watcher struct {
	file   *os.File
	raw    syscall.RawConn
	fd     int // of file
	events [64]unix.EpollEvent

	mu      sync.Mutex
	last    int32
	watched map[int32]awaited
	ended   chan struct{}
}

// awaited is one descriptor that is waited for.
type awaited struct {
	fd    int
	ready func() (more bool) // called when it can be read; nil: once is enough
	after func()             // called when it is not waited for any more
}

func newWatcher() (*watcher, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // else Go's poller does not take it
		_ = unix.Close(fd)
		return nil, err
	}
	w := &watcher{file: os.NewFile(uintptr(fd), "epoll"), fd: fd, watched: make(map[int32]awaited), ended: make(chan struct{})}
	if w.raw, err = w.file.SyscallConn(); err != nil {
		_ = w.file.Close()
		return nil, err
	}
	go w.run() // close waits for it
	return w, nil
}

// add begins to wait for a descriptor, which must not be closed before it was
// removed, or after was called. ready and after must not block: everybody else
// waits for them.
func (w *watcher) add(fd int, ready func() (more bool), after func()) (key int32, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: w.last}
	if err := unix.EpollCtl(w.fd, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return 0, os.NewSyscallError("epoll_ctl", err)
	}
	w.watched[w.last] = awaited{fd, ready, after}
	return w.last, nil
}

// remove ends the wait for a descriptor; false when it had ended, or is about
// to by after.
func (w *watcher) remove(key int32) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	x, ok := w.watched[key]
	if ok {
		_ = unix.EpollCtl(w.fd, unix.EPOLL_CTL_DEL, x.fd, nil)
		delete(w.watched, key)
	}
	return ok
}

func (w *watcher) run() {
	defer close(w.ended)
	for {
		n := 0
		err := w.raw.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), w.events[:], 0)
			return n > 0
		})
		if err != nil {
			return // it was closed
		}
		for _, e := range w.events[:n] {
			w.serve(e.Fd)
		}
	}
}

func (w *watcher) serve(key int32) {
	w.mu.Lock()
	x, ok := w.watched[key]
	w.mu.Unlock()
	if !ok || x.ready != nil && x.ready() {
		return
	}
	if w.remove(key) {
		x.after()
	}
}

func (w *watcher) close() {
	_ = w.file.Close()
	<-w.ended
}

// whenEnded runs f in a goroutine of its own when a child has ended.
func (w *watcher) whenEnded(pid int, f func()) {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil { // a kernel before 5.10: f waits itself
		go f()
		return
	}
	after := func() {
		_ = unix.Close(fd)
		go f()
	}
	if _, err := w.add(fd, nil, after); err != nil {
		after()
	}
}

// whenReadable calls f once when c can be read. cancel ends that, and has to be
// called before c is closed. ok is false when f would never be called.
func (w *watcher) whenReadable(c syscall.Conn, f func()) (cancel func(), ok bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, false
	}
	var key int32
	closed := raw.Control(func(fd uintptr) { key, err = w.add(int(fd), nil, f) })
	if closed != nil || err != nil {
		return nil, false
	}
	return func() { w.remove(key) }, true
}

// read hands over what comes through a pipe until it ends, and calls ended
// then.
func (w *watcher) read(o *output, ended func()) {
	raw, err := o.file.SyscallConn()
	if err != nil {
		ended()
		return
	}
	ready := func() (more bool) {
		err := raw.Control(func(fd uintptr) {
			_, err := o.drain(int(fd))
			more = err == nil
		})
		return more && err == nil
	}
	after := func() {
		o.end()
		ended()
	}
	_ = raw.Control(func(fd uintptr) { o.key, err = w.add(int(fd), ready, after) })
	if err != nil { // no more descriptors can be waited for; await waits by itself
		go func() { o.run(); ended() }()
	}
}

// cut closes a pipe that does not end.
func (w *watcher) cut(o *output, ended func()) {
	if w.remove(o.key) {
		go func() { o.end(); ended() }() // Output may hang
	}
	_ = o.file.Close()
}
