// Package journal is what happened, told once and read by many: the terminal,
// JSON output, the inspector and the metrics all read it, and nobody prints
// for themselves.
//
// Publishing costs one atomic load while nobody listens. A subscriber names the
// kinds it reads and owns a bounded queue; when it does not keep up, entries
// are dropped for it alone and the next entry it gets tells how many.
// Publishers never wait.
package journal

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Kind names what happened.
type Kind string

const (
	Connected    Kind = "connect"    // a connection opened (its $connect has answered)
	Refused      Kind = "refuse"     // a handshake or call was refused; Status says how
	Message      Kind = "message"    // a client's message was routed; ends with Duration
	Pushed       Kind = "push"       // bytes were delivered to a connection
	Disconnected Kind = "disconnect" // a connection ended; Status is the close code
	Invoked      Kind = "invoke"     // an invocation ended; Err is set when it failed
	Logged       Kind = "log"        // a line a function wrote
	Started      Kind = "start"      // an execution environment is ready
	Stopped      Kind = "stop"       // an execution environment ended
	Requested    Kind = "request"    // a call to an AWS API that Suiro serves
	Answered     Kind = "http"       // a request to an endpoint of the app was answered; Bytes of body
	Progress     Kind = "progress"   // a build, an install; Text says what, Duration > 0 when done
	Changed      Kind = "change"     // the user's files changed; Text says what follows
	// Lines of a stage's access log and execution log, where the template asks
	// for them. The terminal shows its own lines instead.
	AccessLogged    Kind = "access-log"
	ExecutionLogged Kind = "execution-log"
	Noticed         Kind = "notice" // something the user should know; Err is set when it is bad
)

// Entry is one thing that happened. Fields that do not apply are zero. Ids tie
// the entries of one request together.
type Entry struct {
	Time         time.Time     `json:"time"`
	Kind         Kind          `json:"type"`
	Resource     string        `json:"resource,omitempty"` // logical id
	ConnectionID string        `json:"connectionId,omitempty"`
	RequestID    string        `json:"requestId,omitempty"`
	Function     string        `json:"function,omitempty"` // function name
	Route        string        `json:"route,omitempty"`
	Method       string        `json:"method,omitempty"`
	Path         string        `json:"path,omitempty"`
	Status       int           `json:"status,omitempty"`
	Duration     time.Duration `json:"durationNs,omitempty"`
	Bytes        int           `json:"bytes,omitempty"`
	Stream       string        `json:"stream,omitempty"` // Logged: stdout, stderr, platform
	Text         string        `json:"text,omitempty"`
	Err          string        `json:"error,omitempty"`
	// Dropped counts the entries lost to this subscriber just before this one.
	Dropped int `json:"dropped,omitempty"`
}

// Journal passes entries from publishers to subscribers. The zero value is
// ready; a nil Journal drops everything, so that tests need none.
type Journal struct {
	wanted atomic.Pointer[wants] // nil while nobody listens
	mu     sync.Mutex
	subs   map[*Subscription]struct{}
}

// wants says which kinds have a reader. It is replaced, never changed.
type wants struct {
	all   bool
	kinds map[Kind]bool
}

// Active tells whether anybody listens to anything.
func (j *Journal) Active() bool { return j != nil && j.wanted.Load() != nil }

// Wants tells whether anybody reads entries of a kind, for publishers whose
// entry costs something to make.
func (j *Journal) Wants(k Kind) bool {
	if j == nil {
		return false
	}
	w := j.wanted.Load()
	return w != nil && (w.all || w.kinds[k])
}

// Publish hands e to every subscriber that reads its kind, without waiting.
// Time is filled in when it is zero.
func (j *Journal) Publish(e Entry) {
	if j.Wants(e.Kind) {
		j.offer(&e)
	}
}

func (j *Journal) offer(e *Entry) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for s := range j.subs {
		s.offer(e)
	}
}

// Subscription is one reader's bounded queue.
type Subscription struct {
	journal *Journal
	entries chan Entry
	kinds   []Kind // none: all
	dropped int    // guarded by journal.mu
}

// Subscribe starts a queue of at most size entries of the kinds named, of all
// kinds when none is. Close ends it.
func (j *Journal) Subscribe(size int, kinds ...Kind) *Subscription {
	s := &Subscription{journal: j, entries: make(chan Entry, size), kinds: kinds}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.subs == nil {
		j.subs = make(map[*Subscription]struct{})
	}
	j.subs[s] = struct{}{}
	j.count()
	return s
}

// count settles what is wanted. j.mu is held.
func (j *Journal) count() {
	if len(j.subs) == 0 {
		j.wanted.Store(nil)
		return
	}
	w := &wants{kinds: make(map[Kind]bool)}
	for s := range j.subs {
		w.all = w.all || len(s.kinds) == 0
		for _, k := range s.kinds {
			w.kinds[k] = true
		}
	}
	j.wanted.Store(w)
}

// Entries yields what was published since Subscribe; it ends after Close.
func (s *Subscription) Entries() <-chan Entry { return s.entries }

// Close ends the subscription; entries already queued can still be read.
func (s *Subscription) Close() {
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	if _, ok := s.journal.subs[s]; !ok {
		return
	}
	delete(s.journal.subs, s)
	s.journal.count()
	close(s.entries)
}

// offer queues e when it is of a kind that s reads. journal.mu is held.
func (s *Subscription) offer(e *Entry) {
	if len(s.kinds) > 0 && !slices.Contains(s.kinds, e.Kind) {
		return
	}
	e.Dropped = s.dropped
	select {
	case s.entries <- *e:
		s.dropped = 0
	default:
		s.dropped++
	}
}
