package process

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"syscall"
)

// Keeper starts children and sees to it that all of them end. It is safe for
// concurrent use.
type Keeper struct {
	id       string
	count    int // children started; the starting thread's own
	requests chan request
	watchdog *watchdog
	watcher  *watcher
	children sync.WaitGroup // the goroutines that serve children
	closing  sync.Once

	stop    chan struct{} // closed by Close: nothing is started any more
	stopped chan struct{} // closed by the starter: its last start is done
	release chan struct{} // closed when all children are gone: the thread may end
	gone    chan struct{} // closed when nothing is left

	mu      sync.Mutex
	running map[*Process]struct{}
}

type request struct {
	command Command
	answer  chan<- started
}

type started struct {
	process *Process
	err     error
}

// ErrClosed is returned by Start after Close.
var ErrClosed = errors.New("processes are not started any more")

// markVariable is the environment variable by which the watchdog recognises
// Suiro's children and theirs, wherever they moved themselves.
const markVariable = "_SUIRO_KEEPER"

// NewKeeper starts the thread that starts children, and the watchdog.
func NewKeeper() (*Keeper, error) {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	k := &Keeper{
		id:       hex.EncodeToString(id[:]),
		requests: make(chan request),
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
		release:  make(chan struct{}),
		gone:     make(chan struct{}),
		running:  make(map[*Process]struct{}),
	}
	var err error
	if k.watcher, err = newWatcher(); err != nil {
		return nil, fmt.Errorf("wait for processes: %w", err)
	}
	if k.watchdog, err = startWatchdog(k.id); err != nil {
		k.watcher.close()
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	go k.startAll() // Close waits for it
	return k, nil
}

// startAll starts children one after the other, always on the same thread:
// the kernel sends a child its PDEATHSIG when the thread that made it ends,
// and Go ends threads when it likes.
func (k *Keeper) startAll() {
	runtime.LockOSThread()
	for {
		select {
		case <-k.stop:
			close(k.stopped)
			<-k.release
			return // without unlocking, so that the thread ends with us
		case r := <-k.requests:
			p, err := k.start(r.command)
			r.answer <- started{p, err}
		}
	}
}

// Start starts a child.
func (k *Keeper) Start(c Command) (*Process, error) {
	if err := k.watchdog.ready(); err != nil {
		return nil, err
	}
	answer := make(chan started, 1)
	select {
	case <-k.stop:
		return nil, ErrClosed
	case k.requests <- request{c, answer}:
	}
	s := <-answer
	return s.process, s.err
}

// WhenReadable calls f once when there is something to read of c, a socket of a
// child's, as the keeper waits for its output: without a goroutine. f must not
// block; cancel ends the wait, and is to be called before c is closed. ok is
// false where that is not to be had (other systems than Linux).
func (k *Keeper) WhenReadable(c syscall.Conn, f func()) (cancel func(), ok bool) {
	return k.watcher.whenReadable(c, f)
}

// Close kills every child that still runs and returns when all are gone and
// the watchdog has ended. ctx bounds the wait, not the killing.
func (k *Keeper) Close(ctx context.Context) error {
	k.closing.Do(func() { go k.shutDown() })
	select {
	case <-k.gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for processes to end: %w", ctx.Err())
	}
}

func (k *Keeper) shutDown() {
	close(k.stop)
	<-k.stopped
	k.mu.Lock()
	for p := range k.running {
		p.Kill()
	}
	k.mu.Unlock()
	k.children.Wait()
	k.watcher.close()
	close(k.release)
	k.watchdog.close()
	close(k.gone)
}

func (k *Keeper) added(p *Process) {
	k.watchdog.add(p.Pid())
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running[p] = struct{}{}
}

func (k *Keeper) removed(p *Process) {
	k.watchdog.remove(p.Pid())
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.running, p)
}
