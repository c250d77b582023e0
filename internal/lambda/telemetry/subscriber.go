package telemetry

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// subscriber is a subscription and what waits for it.
type subscriber struct {
	name    string
	request *Request
	sink    sink

	// wake says that there is something to look at: the first event of a
	// batch, a full batch, or a flush.
	wake  chan struct{}
	ended chan struct{}
	once  sync.Once

	mu      sync.Mutex
	waiting [][]byte
	bytes   int
	first   time.Time       // when the oldest of waiting came
	flushed []chan struct{} // closed when nothing waits; not empty: send at once
	// dropped counts what was lost since the subscriber was last told.
	dropped struct {
		records, bytes int
		reason         string
	}
}

func newSubscriber(name string, r *Request, s sink) *subscriber {
	return &subscriber{name: name, request: r, sink: s, wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// tooSlow is RIE's reason.
const tooSlow = "Some logs were dropped because the downstream consumer is slower than the logs production rate"

// offer takes an event, if the subscription wants it and there is room: one
// batch may be under way and one may wait.
func (s *subscriber) offer(p published) {
	if !slices.Contains(s.request.Types, p.kind) {
		return
	}
	events := []Event{p.event}
	if s.request.API == Logs {
		events = legacy(s.request.Version, p.event)
	}
	for _, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			return // its record is JSON already
		}
		s.add(data)
	}
}

func (s *subscriber) add(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) >= 2*s.request.MaxItems || s.bytes+len(data) > 2*s.request.MaxBytes {
		s.lose(1, len(data), tooSlow)
		return
	}
	s.append(data)
}

// append puts an event into the queue. s.mu is held.
func (s *subscriber) append(data []byte) {
	if len(s.waiting) == 0 {
		s.first = time.Now()
	}
	s.waiting = append(s.waiting, data)
	s.bytes += len(data)
	if len(s.waiting) == 1 || s.full() {
		s.tell()
	}
}

// lose counts what is dropped. s.mu is held.
func (s *subscriber) lose(records, bytes int, reason string) {
	s.dropped.records += records
	s.dropped.bytes += bytes
	s.dropped.reason = reason
}

func (s *subscriber) full() bool {
	return len(s.waiting) >= s.request.MaxItems || s.bytes >= s.request.MaxBytes
}

func (s *subscriber) tell() {
	select {
	case s.wake <- struct{}{}:
	default: // it was told already
	}
}

// flush has what waits sent at once; the channel closes when it was.
func (s *subscriber) flush() <-chan struct{} {
	done := make(chan struct{})
	s.mu.Lock()
	s.flushed = append(s.flushed, done)
	s.mu.Unlock()
	s.tell()
	return done
}

// end stops the subscription without sending what waits.
func (s *subscriber) end() { s.once.Do(func() { close(s.ended) }) }

// run sends batches until ctx or the subscription ends.
func (s *subscriber) run(ctx context.Context) {
	defer s.sink.close()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		batch, wait := s.take()
		if batch != nil && ctx.Err() == nil {
			s.send(ctx, batch)
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-s.ended:
			return
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// take gives the next batch if there is one to send, and otherwise how long to
// wait for the one that is being gathered.
func (s *subscriber) take() (batch [][]byte, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		for _, done := range s.flushed {
			close(done)
		}
		s.flushed = nil
		return nil, time.Hour
	}
	if left := s.request.Timeout - time.Since(s.first); left > 0 && len(s.flushed) == 0 && !s.full() {
		return nil, left
	}
	n, size := 0, 0
	for n < len(s.waiting) && n < s.request.MaxItems && (n == 0 || size < s.request.MaxBytes) {
		size += len(s.waiting[n])
		n++
	}
	batch = s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	s.bytes -= size
	s.first = time.Now()
	return batch, 0
}

// send delivers a batch, or counts it as lost, and then tells of losses.
func (s *subscriber) send(ctx context.Context, batch [][]byte) {
	err := s.sink.send(ctx, batch)
	s.mu.Lock()
	if err != nil {
		size := 0
		for _, b := range batch {
			size += len(b)
		}
		s.lose(len(batch), size, "could not send events: "+err.Error())
	}
	defer s.mu.Unlock()
	lost := s.dropped
	if lost.records == 0 || err != nil || !slices.Contains(s.request.Types, Platform) {
		return
	}
	s.dropped.records, s.dropped.bytes = 0, 0
	record, _ := json.Marshal(struct { // numbers and a text always marshal
		DroppedBytes   int    `json:"droppedBytes"`
		DroppedRecords int    `json:"droppedRecords"`
		Reason         string `json:"reason"`
	}{lost.bytes, lost.records, lost.reason})
	data, _ := json.Marshal(Event{Time: time.Now().UTC().Format(timeFormat), Type: "platform.logsDropped", Record: record})
	s.append(data) // also when there is no room: at most one for each batch sent
}

// legacy is an event as the Logs API tells of it: without the init events,
// platform.end before the report, and the report with nothing but its metrics.
func legacy(version string, e Event) []Event {
	switch e.Type {
	case "platform.initStart", "platform.initRuntimeDone", "platform.initReport":
		return nil
	case "platform.telemetrySubscription":
		e.Type = "platform.logsSubscription"
	case "platform.runtimeDone":
		if version == versions[Logs][0] {
			return nil
		}
		e.Record = members(e.Record, "requestId", "status")
	case "platform.report":
		end := e
		end.Type, end.Record = "platform.end", members(e.Record, "requestId")
		e.Record = members(e.Record, "requestId", "metrics")
		return []Event{end, e}
	}
	return []Event{e}
}

// members keeps some members of an object.
func members(record json.RawMessage, names ...string) json.RawMessage {
	var all map[string]json.RawMessage
	_ = json.Unmarshal(record, &all) // we marshalled it
	kept := make(map[string]json.RawMessage, len(names))
	for _, name := range names {
		if v, ok := all[name]; ok {
			kept[name] = v
		}
	}
	out, _ := json.Marshal(kept)
	return out
}
