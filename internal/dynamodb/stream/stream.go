// Package stream keeps the change streams of tables: for each changed item one
// record, written in the very commit that changes the item, kept for 24 hours.
//
// A [Stream] has one shard that is open as long as the stream is enabled, so
// that records have one order. It outlives its table by the time that its
// records are kept. [Streams] are all of them; they are told what to begin and
// to end by package table, which owns the definitions of tables.
package stream

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/suiro-dev/suiro/internal/store"
)

// Retention is how long records are kept (Amazon DynamoDB Developer Guide,
// "Change data capture for DynamoDB Streams": 24 hours).
const Retention = 24 * time.Hour

// View types.
const (
	KeysOnly  = "KEYS_ONLY"
	NewImage  = "NEW_IMAGE"
	OldImage  = "OLD_IMAGE"
	BothImage = "NEW_AND_OLD_IMAGES"
)

// Definition is what a stream is. It is immutable.
type Definition struct {
	Number  uint32 // begins the stream's rows in the store
	Table   string // the table's name
	TableID string
	Label   string // the last part of its ARN: when it was made
	View    string
	Hash    []string // key attributes of the table
	Range   []string `json:",omitempty"`
	Created time.Time

	// Trimmed is the highest sequence number that was removed, 0 at first.
	Trimmed uint64
	// Ended is when the stream was disabled, and Last its last sequence number.
	Ended time.Time `json:",omitzero"`
	Last  uint64    `json:",omitempty"`
}

// Open tells whether changes are still recorded.
func (d *Definition) Open() bool { return d.Ended.IsZero() }

// Shard is the id of the stream's one shard: "shardId-", 20 digits, "-" and 8
// hexadecimal digits.
func (d *Definition) Shard() string {
	sum := sha256.Sum256([]byte(d.TableID + "/" + d.Label))
	return fmt.Sprintf("shardId-%020d-%s", d.Created.UnixMilli(), hex.EncodeToString(sum[:4]))
}

// EventID is the id of a record: 32 hexadecimal digits, the same at every
// reading.
func (d *Definition) EventID(sequence uint64) string {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(d.TableID+"/"+d.Label+"/"), sequence))
	return hex.EncodeToString(sum[:16])
}

// Stream is one stream.
type Stream struct {
	store      *store.Store
	definition atomic.Pointer[Definition]
	// last is the highest sequence number given out; only the committer of the
	// store raises it.
	last    atomic.Uint64
	changed atomic.Pointer[chan struct{}] // closed by the next Tell
}

// Definition is what the stream is now.
func (s *Stream) Definition() *Definition { return s.definition.Load() }

// Last is the highest sequence number given out. A record whose commit has not
// ended may have it.
func (s *Stream) Last() uint64 { return s.last.Load() }

// Tell wakes those who wait for records, after the commit of new ones.
func (s *Stream) Tell() {
	next := make(chan struct{})
	close(*s.changed.Swap(&next))
}

// Changed is closed when there is something new to read: records, or the end
// of the stream. It must be taken before reading.
func (s *Stream) Changed() <-chan struct{} { return *s.changed.Load() }

func newStream(st *store.Store, d *Definition) *Stream {
	s := &Stream{store: st}
	s.definition.Store(d)
	s.last.Store(max(d.Trimmed, d.Last))
	c := make(chan struct{})
	s.changed.Store(&c)
	return s
}

// Page is what one reading of records yields.
type Page struct {
	Records []Record
	// Next is the sequence number to go on from.
	Next uint64
	// Ended is set when the stream is disabled and everything was read.
	Ended bool
	// Trimmed is set, and nothing read, when records from the one asked for
	// on have been removed.
	Trimmed bool
}

// Read reads records from a sequence number on, 0 for the oldest there is: at
// most limit of them and, when bytes is not 0, no more once their size reaches
// it.
func (s *Stream) Read(from uint64, limit, bytes int) (page Page, err error) {
	open := s.Definition().Open() // before the snapshot: what ended it is in there
	err = s.store.View(func(v store.Snapshot) error {
		d := s.Definition() // of the snapshot or later: it knows of every row that is gone
		if from == 0 {
			from = d.Trimmed + 1
		}
		page.Next = from
		if from <= d.Trimmed {
			page.Trimmed = true
			return nil
		}
		var broken error
		size, full := 0, false
		r := store.Range{From: recordRow(d.Number, from), To: store.After(streamPrefix(rowRecord, d.Number))}
		err := v.Scan(r, store.Ascending, func(key, value []byte) bool {
			if len(page.Records) == limit || bytes > 0 && size >= bytes {
				full = true
				return false
			}
			record, e := decodeRecord(key, value)
			if e != nil {
				broken = fmt.Errorf("stream %s of table %s: %w", d.Label, d.Table, e)
				return false
			}
			size += record.Size()
			page.Records = append(page.Records, record)
			page.Next = record.Sequence + 1
			return true
		})
		page.Ended = !open && !full
		if err == nil {
			err = broken
		}
		return err
	})
	return page, err
}

// Wait returns when the stream has something to read behind what was read
// before changed was taken, or when ctx ends.
func Wait(ctx context.Context, changed <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
