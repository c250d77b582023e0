package stream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/store"
)

// Rows of the store that belong to streams begin with one of these and the
// stream's number. Package table has the others of a table.
const (
	rowStream byte = 's' // number → definition as JSON
	rowRecord byte = 'r' // number, sequence number → record
)

func streamPrefix(kind byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, 16), kind), number)
}

func recordRow(number uint32, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(streamPrefix(rowRecord, number), sequence)
}

func sequenceOf(row []byte) uint64 { return binary.BigEndian.Uint64(row[len(row)-8:]) }

// Event names.
const (
	Insert = "INSERT"
	Modify = "MODIFY"
	Remove = "REMOVE"
)

// Record is one change of one item.
type Record struct {
	Sequence uint64
	Time     time.Time
	Event    string
	// ByService is set for what DynamoDB itself deleted: expired items.
	ByService bool
	Keys      attribute.Item
	Old, New  attribute.Item // nil where the view type shows none or there is none
}

// Size is the record's size in DynamoDB's accounting: of its keys and of the
// images it carries.
func (r *Record) Size() int {
	return attribute.Size(r.Keys) + attribute.Size(r.Old) + attribute.Size(r.New)
}

// Change is what a record is made of.
type Change struct {
	Old, New  attribute.Item // nil for an item that was not there, or is no more
	ByService bool
	// Encoded is New's stored form.
	Encoded []byte
}

// Flags of a stored record.
const (
	flagRemove byte = 1 << iota
	flagModify
	flagService
	flagOld
	flagNew
)

// Append writes the record of a change, inside the commit that makes it.
func (s *Stream) Append(tx store.Tx, c Change) error {
	d := s.Definition()
	shown := c.New
	if shown == nil {
		shown = c.Old
	}
	var flags byte
	switch {
	case c.New == nil:
		flags = flagRemove
	case c.Old != nil:
		flags = flagModify
	}
	if c.ByService {
		flags |= flagService
	}
	names := d.Hash
	if len(d.Range) > 0 {
		names = []string{d.Hash[0], d.Range[0]}
	}
	keys := attribute.AppendBinary(nil, shown.Only(names...))
	var old []byte
	if c.Old != nil && (d.View == OldImage || d.View == BothImage) {
		flags |= flagOld
		old = attribute.AppendBinary(nil, c.Old)
	}
	size := 1 + 8 + 2*binary.MaxVarintLen32 + len(keys) + len(old)
	withNew := c.New != nil && (d.View == NewImage || d.View == BothImage)
	if withNew {
		flags |= flagNew
		size += len(c.Encoded)
	}
	value := append(make([]byte, 0, size), flags)
	value = binary.BigEndian.AppendUint64(value, uint64(time.Now().UnixMilli()))
	value = append(binary.AppendUvarint(value, uint64(len(keys))), keys...)
	if flags&flagOld != 0 {
		value = append(binary.AppendUvarint(value, uint64(len(old))), old...)
	}
	if withNew {
		value = append(value, c.Encoded...)
	}
	return tx.Put(recordRow(d.Number, s.last.Add(1)), value)
}

var errRecord = errors.New("a record is not what was written")

func decodeRecord(key, value []byte) (r Record, err error) {
	if len(value) < 9 {
		return r, errRecord
	}
	flags := value[0]
	r.Sequence = sequenceOf(key)
	r.Time = time.UnixMilli(int64(binary.BigEndian.Uint64(value[1:])))
	r.ByService = flags&flagService != 0
	switch {
	case flags&flagRemove != 0:
		r.Event = Remove
	case flags&flagModify != 0:
		r.Event = Modify
	default:
		r.Event = Insert
	}
	rest := value[9:]
	if r.Keys, rest, err = decodePart(rest); err != nil {
		return r, err
	}
	if flags&flagOld != 0 {
		if r.Old, rest, err = decodePart(rest); err != nil {
			return r, err
		}
	}
	if flags&flagNew != 0 {
		r.New, err = attribute.DecodeBinary(rest)
	}
	return r, err
}

// decodePart reads an item with its length in front.
func decodePart(b []byte) (attribute.Item, []byte, error) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b)-used) {
		return nil, nil, errRecord
	}
	end := used + int(n)
	item, err := attribute.DecodeBinary(b[used:end])
	return item, b[end:], err
}

// recordTime reads only when a stored record was made.
func recordTime(value []byte) time.Time {
	if len(value) < 9 {
		return time.Time{}
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(value[1:])))
}

// A sequence number on the wire is a decimal number of 21 digits, the fewest
// that the API takes.
const firstSequence = "1"

// FormatSequence is a sequence number as clients see it.
func FormatSequence(n uint64) string { return fmt.Sprintf("%s%020d", firstSequence, n) }

// ParseSequence reads a sequence number that FormatSequence wrote.
func ParseSequence(s string) (n uint64, ok bool) {
	if len(s) != len(firstSequence)+20 || s[:1] != firstSequence {
		return 0, false
	}
	for i := 1; i < len(s); i++ {
		digit := s[i] - '0'
		if digit > 9 || n > (1<<64-1-uint64(digit))/10 {
			return 0, false
		}
		n = n*10 + uint64(digit)
	}
	return n, true
}
