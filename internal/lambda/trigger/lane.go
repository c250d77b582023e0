package trigger

import (
	"context"
	"hash/fnv"
	"time"

	"github.com/suiro-dev/suiro/internal/eventpattern"
	"github.com/suiro-dev/suiro/internal/journal"
)

const (
	// readAtOnce is how many records one reading of the stream asks for.
	readAtOnce = 1000
	// maxPayload is the largest batch: that of a synchronous invocation.
	maxPayload = 6 << 20
	// brackets is what a payload has around its records.
	brackets = len(`{"Records":[]}`)
)

// lane reads the records of some partition keys of a stream, one batch after
// the other.
type lane struct {
	mapping  *mapping
	set      settings
	patterns []*eventpattern.Pattern
	stream   Stream
	number   int
	// next is the sequence number to go on from: every record of this lane
	// below it is done. saved is what of that is on disk.
	next, saved uint64
	// read are records that were read and not taken yet.
	read []Record
}

// run reads until ctx ends or the stream does.
func (l *lane) run(ctx context.Context) {
	defer func() {
		if l.next > l.saved { // records that were passed over
			_ = l.save(context.WithoutCancel(ctx), l.next) // else they are passed over again
		}
	}()
	for ctx.Err() == nil {
		batch, after, ended, err := l.gather(ctx)
		if err == nil && len(batch) > 0 {
			err = l.process(ctx, batch)
		}
		if err == nil && after > l.next {
			l.next = after
			if len(batch) > 0 {
				err = l.save(context.WithoutCancel(ctx), after)
			}
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.read = nil
			l.mapping.notice("reading "+l.set.Source+" failed and will be tried again", err)
			if wait(ctx, tryAgain) != nil {
				return
			}
		case ended:
			return
		}
	}
}

// gather waits for records and takes a batch of them: as many as BatchSize
// says, as a payload holds, or as come in the window that the first one opens.
// after is the sequence number behind everything that was looked at.
func (l *lane) gather(ctx context.Context) (batch []Record, after uint64, ended bool, err error) {
	after = l.next
	size := brackets
	var window <-chan time.Time
	for {
		for len(l.read) > 0 {
			r := l.read[0]
			if l.takes(r) {
				if len(batch) > 0 && size+1+len(r.Event) > maxPayload {
					return batch, after, false, nil
				}
				size += 1 + len(r.Event)
				batch = append(batch, r)
			}
			l.read, after = l.read[1:], r.Sequence+1
			if len(batch) == l.set.BatchSize {
				return batch, after, false, nil
			}
		}
		changed := l.stream.Changed()
		page, err := l.stream.Read(after, readAtOnce)
		switch {
		case err != nil:
			return nil, l.next, false, err
		case page.Trimmed:
			l.trimmed()
			after = 0
			continue
		}
		if l.read = page.Records; len(l.read) > 0 {
			continue
		}
		after = max(after, page.Next)
		switch {
		case page.Ended:
			return batch, after, true, nil
		case len(batch) > 0 && l.set.Window == 0:
			return batch, after, false, nil
		case len(batch) > 0 && window == nil:
			t := time.NewTimer(time.Duration(l.set.Window) * time.Second)
			defer t.Stop()
			window = t.C
		case len(batch) == 0:
			l.next = after // everything so far was of other lanes or filtered out
		}
		select {
		case <-changed:
		case <-window:
			return batch, after, false, nil
		case <-ctx.Done():
			return nil, l.next, false, ctx.Err()
		}
	}
}

// takes tells whether a record is of this lane and passes the filters.
func (l *lane) takes(r Record) bool {
	if n := l.set.ParallelizationFactor; n > 1 {
		h := fnv.New32a()
		_, _ = h.Write([]byte(r.Partition)) // a hash takes everything
		if int(h.Sum32()%uint32(n)) != l.number {
			return false
		}
	}
	return matches(l.patterns, r.Event)
}

// trimmed says that records were lost: they were older than 24 hours.
func (l *lane) trimmed() {
	l.mapping.service.cfg.Journal.Publish(journal.Entry{
		Kind: journal.Noticed, Resource: l.set.Resource, Function: l.set.functionName(),
		Text: "records of " + l.set.Source + " were older than 24 hours and are gone; those that the function had not got, it does not get",
	})
}
