package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/suiro-dev/suiro/internal/invoke"
)

// The pauses between attempts: AWS does not document them. They double from
// the first to the longest.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 30 * time.Second
)

// Conditions of a record of failure.
const (
	retriesExhausted = "RetryAttemptsExhausted"
	ageExceeded      = "RecordAgeExceeded"
)

// part is a batch, or what is left of one.
type part struct {
	records []Record
	tried   int // attempts that count against MaximumRetryAttempts
	pause   time.Duration
	last    outcome
}

// outcome is what came of calling the function once.
type outcome struct {
	requestID, version string
	// done is how many records from the first on are done: all of them after
	// a success.
	done int
	// unhandled is set when the function failed, not when it reported some
	// records as failed.
	unhandled bool
	text      string // LastProcessingResult
}

// process calls the function with a batch until each of its records is done
// or given up, or ctx ends.
func (l *lane) process(ctx context.Context, batch []Record) error {
	parts, done := []part{{records: batch, pause: firstPause}}, batch[0].Sequence
	for len(parts) > 0 {
		p := &parts[0]
		if len(p.records) == 0 {
			parts = parts[1:]
			continue
		}
		if first := p.records[0].Sequence; first > done { // a part is done, others are not
			if err := l.save(context.WithoutCancel(ctx), first); err != nil {
				return err
			}
			done = first
		}
		if l.giveUp(p) {
			continue
		}
		o, err := l.try(p.records)
		if err == nil {
			p.tried++
			p.last = o
			l.mapping.result(o.text)
		} else {
			l.mapping.result("PROBLEM: " + err.Error())
		}
		if p.records = p.records[o.done:]; len(p.records) == 0 {
			continue
		}
		if err == nil && l.set.Bisect && len(p.records) > 1 && o.done == 0 {
			parts = append(split(*p), parts[1:]...)
			continue
		}
		if l.exhausted(p) {
			continue // given up without a pause
		}
		if err := wait(ctx, p.pause); err != nil {
			return err
		}
		p.pause = min(2*p.pause, longestPause)
	}
	return nil
}

// split halves a part that failed. A split is no retry.
func split(p part) []part {
	half := len(p.records) / 2
	first, second := p, p
	first.records, second.records = p.records[:half], p.records[half:]
	first.tried--
	second.tried--
	return []part{first, second}
}

func (l *lane) exhausted(p *part) bool { return l.set.Retries >= 0 && p.tried > l.set.Retries }

// giveUp discards what a part may not be tried again for: all of it when its
// attempts are used up, and the records that are too old. It tells whether it
// discarded something.
func (l *lane) giveUp(p *part) bool {
	if l.exhausted(p) {
		l.discard(p.records, p, retriesExhausted)
		p.records = nil
		return true
	}
	if l.set.MaxAge < 0 {
		return false
	}
	old := 0
	for old < len(p.records) && time.Since(p.records[old].Time) > time.Duration(l.set.MaxAge)*time.Second {
		old++
	}
	if old == 0 {
		return false
	}
	l.discard(p.records[:old], p, ageExceeded)
	p.records = p.records[old:]
	return true
}

// payload is the event of a batch.
func payload(records []Record) []byte {
	size := brackets
	for i := range records {
		size += len(records[i].Event) + 1
	}
	b := append(make([]byte, 0, size), `{"Records":[`...)
	for i := range records {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, records[i].Event...)
	}
	return append(b, ']', '}')
}

// try calls the function once. An error means that it did not run.
func (l *lane) try(records []Record) (outcome, error) {
	s := l.mapping.service
	// Not the lane's context: a function that runs when the mapping is changed
	// or Suiro stops may finish, as long as Close allows.
	res, err := s.cfg.Functions.Invoke(s.cut, &invoke.Request{Function: l.set.Function, Payload: payload(records)})
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return outcome{}, err
	}
	o := outcome{requestID: res.RequestID, version: res.ExecutedVersion, done: len(records), text: allRight}
	switch {
	case res.End().Outcome != invoke.Complete:
		o.done, o.unhandled, o.text = 0, true, "PROBLEM: Function call failed"
	case l.set.PartialFailures:
		if o.done = succeeded(records, body); o.done < len(records) {
			o.text = "PROBLEM: Function call failed"
		}
	}
	return o, nil
}

var errItem = errors.New("no identifier")

// succeeded reads the answer of a function that reports which records failed:
// how many from the first on are done. An answer that makes no sense fails
// them all (Developer Guide, "Reporting batch item failures").
func succeeded(records []Record, answer []byte) int {
	var report struct {
		Failures *[]map[string]json.RawMessage `json:"batchItemFailures"`
	}
	if len(answer) == 0 || string(answer) == "null" {
		return len(records)
	}
	if err := json.Unmarshal(answer, &report); err != nil {
		return 0
	}
	if report.Failures == nil {
		return len(records)
	}
	done := len(records)
	for _, f := range *report.Failures {
		at, err := find(records, f["itemIdentifier"])
		if err != nil {
			return 0
		}
		done = min(done, at)
	}
	return done
}

// find is the position of the record that an itemIdentifier names.
func find(records []Record, identifier json.RawMessage) (int, error) {
	var id string
	if err := json.Unmarshal(identifier, &id); err != nil {
		return 0, err
	}
	for i := range records {
		if records[i].Text == id {
			return i, nil
		}
	}
	return 0, errItem
}
