package async

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// rowEvent begins the rows of events: the function's name, 0, when the event
// is due in milliseconds, its number → header, payload.
const rowEvent byte = 'q'

func prefixOf(function string) []byte {
	return append(append([]byte{rowEvent}, function...), 0)
}

func rowOf(function string, due time.Time, number uint64) []byte {
	row := binary.BigEndian.AppendUint64(prefixOf(function), uint64(due.UnixMilli()))
	return binary.BigEndian.AppendUint64(row, number)
}

// splitRow reads when an event is due, and its number.
func splitRow(row []byte) (due time.Time, number uint64) {
	if len(row) < 16 {
		return time.Time{}, 0
	}
	tail := row[len(row)-16:]
	return time.UnixMilli(int64(binary.BigEndian.Uint64(tail))), binary.BigEndian.Uint64(tail[8:])
}

// encode writes an event: everything but the payload as JSON with its length
// in front, then the payload as it is.
func encode(e Event) ([]byte, error) {
	payload := e.Payload
	e.Payload = nil
	header, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write an asynchronous event: %w", err)
	}
	b := binary.AppendUvarint(make([]byte, 0, len(header)+len(payload)+binary.MaxVarintLen32), uint64(len(header)))
	return append(append(b, header...), payload...), nil
}

var errEvent = errors.New("an asynchronous event is not what was written")

// decode reads an event; its payload is a copy.
func decode(value []byte) (e Event, err error) {
	n, used := binary.Uvarint(value)
	if used <= 0 || n > uint64(len(value)-used) {
		return e, errEvent
	}
	end := used + int(n)
	if err := json.Unmarshal(value[used:end], &e); err != nil {
		return e, errEvent
	}
	e.Payload = bytes.Clone(value[end:])
	return e, nil
}
