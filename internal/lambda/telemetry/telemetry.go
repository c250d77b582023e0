// Package telemetry is what Lambda's Telemetry API delivers, and the Logs API
// that came before it: the platform's events and the log lines of a function
// and its extensions, sent to the extensions that subscribed.
//
// A [Hub] belongs to one life of an execution environment. It takes events
// from its first moment, because who subscribes during init also gets what
// happened before; when init is over and nobody subscribed, [Hub.Active] is
// false and costs one atomic load. Each subscription has one goroutine, which
// sends a batch when that is full, old enough or asked for. Nothing that
// publishes ever waits for a subscriber: what a slow one cannot take is
// dropped, and it is told how much.
package telemetry

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Kind is the part of the stream that an event belongs to.
type Kind string

// The kinds that one can subscribe to.
const (
	Platform  Kind = "platform"
	Function  Kind = "function"
	Extension Kind = "extension"
)

// Event is what is delivered. Its record is an object for the platform's
// events, and the line for log lines.
type Event struct {
	Time   string          `json:"time"` // RFC 3339 with milliseconds, in UTC
	Type   string          `json:"type"` // platform.start, function, …
	Record json.RawMessage `json:"record"`
}

// timeFormat is the one of AWS's events.
const timeFormat = "2006-01-02T15:04:05.000Z"

// kept bounds what is held for those who may still subscribe.
const (
	keptItems = 1000
	keptBytes = 256 << 10
)

// Hub passes events on to those who subscribed. The zero value is not usable.
type Hub struct {
	active atomic.Bool
	ctx    context.Context // ends deliveries
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	open   bool // subscriptions are taken
	kept   []published
	size   int
	subs   []*subscriber
	closed bool
}

// published is an event with what is needed to choose who gets it.
type published struct {
	kind  Kind
	event Event
}

// NewHub makes a hub that takes subscriptions. Close ends it.
func NewHub() *Hub {
	h := &Hub{open: true}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.active.Store(true)
	return h
}

// Active tells whether anybody gets events, or may still ask for them.
func (h *Hub) Active() bool { return h != nil && h.active.Load() }

// Tell publishes an event of the platform; record is marshalled to JSON.
func (h *Hub) Tell(eventType string, record any) {
	if h.Active() {
		h.publish(Platform, eventType, record)
	}
}

// Line publishes a line that a function or an extension wrote.
func (h *Hub) Line(kind Kind, text []byte) {
	if h.Active() {
		h.publish(kind, string(kind), string(text))
	}
}

func (h *Hub) publish(kind Kind, eventType string, record any) {
	data, err := json.Marshal(record)
	if err != nil {
		return // records are texts and numbers: they always marshal
	}
	p := published{kind, Event{Time: time.Now().UTC().Format(timeFormat), Type: eventType, Record: data}}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	for _, s := range h.subs {
		s.offer(p)
	}
	if h.open && len(h.kept) < keptItems && h.size < keptBytes {
		h.kept = append(h.kept, p)
		h.size += len(data)
	}
}

// Subscribe starts a delivery; the same subscriber's earlier one to the same
// API ends. It fails with ErrClosed after CloseSubscriptions.
func (h *Hub) Subscribe(name string, r *Request) error {
	sink, err := r.sink(h.ctx)
	if err != nil {
		return err
	}
	s := newSubscriber(name, r, sink)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.open || h.closed {
		sink.close()
		return ErrClosed
	}
	for i, other := range h.subs {
		if other.name == name && other.request.API == r.API {
			other.end()
			h.subs = append(h.subs[:i:i], h.subs[i+1:]...)
			break
		}
	}
	for _, p := range h.kept {
		s.offer(p)
	}
	h.subs = append(h.subs, s)
	h.work.Go(func() { s.run(h.ctx) })
	return nil
}

// CloseSubscriptions is called when init is over.
func (h *Hub) CloseSubscriptions() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open, h.kept = false, nil
	h.active.Store(len(h.subs) > 0 && !h.closed)
}

// Flush has everything sent that waits for its batch to fill, and waits until
// that is done or time is over.
func (h *Hub) Flush(time time.Duration) {
	h.mu.Lock()
	subs := slices.Clone(h.subs)
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(h.ctx, time)
	defer cancel()
	for _, s := range subs {
		select {
		case <-s.flush():
		case <-s.ended:
		case <-ctx.Done():
			return
		}
	}
}

// Close ends all deliveries, also running ones, and returns when they have.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	h.active.Store(false)
	h.mu.Unlock()
	h.cancel()
	h.work.Wait()
}
