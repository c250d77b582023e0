package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The log is a series of records, one a commit:
//
//	length of the rows   4 bytes, big-endian as all numbers here
//	checksum             4, CRC-32C of the length and of all that follows
//	id of the log        8, chosen at random when the log is begun
//	number               8, of the commit: it grows
//	previous number      8, of the commit this one follows
//	rows
//	zeros                to a multiple of 8
//
// and a row is the length of its key, the length of its value and one, 0 for
// a deletion, both as varints, key and value.
const (
	recordHeader = 32
	recordAlign  = 8
)

// record is one as it is in a segment.
type record struct {
	number, previous uint64
	rows             []byte
}

// makeRecord encodes what a commit writes, in memory that is its own.
func makeRecord(writes []change) []byte {
	size := recordHeader + recordAlign
	for _, c := range writes {
		size += 2*binary.MaxVarintLen32 + len(c.key) + len(c.value)
	}
	b := make([]byte, recordHeader, size)
	for _, c := range writes {
		b = binary.AppendUvarint(b, uint64(len(c.key)))
		if c.value == nil {
			b = append(binary.AppendUvarint(b, 0), c.key...)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(c.value))+1)
		b = append(append(b, c.key...), c.value...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-recordHeader))
	for len(b)%recordAlign != 0 {
		b = append(b, 0)
	}
	return b
}

// number makes a record the one of a commit.
func number(b []byte, log, number, previous uint64) {
	binary.BigEndian.PutUint64(b[8:], log)
	binary.BigEndian.PutUint64(b[16:], number)
	binary.BigEndian.PutUint64(b[24:], previous)
	end := recordHeader + binary.BigEndian.Uint32(b)
	binary.BigEndian.PutUint32(b[4:], recordChecksum(b[:end]))
}

func recordChecksum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:4], castagnoli), castagnoli, b[8:])
}

// recordRows is what a record made by makeRecord holds.
func recordRows(b []byte) []byte { return b[recordHeader : recordHeader+binary.BigEndian.Uint32(b)] }

// parseRecord reads the record at the beginning of b, if there is a whole one
// of this log.
func parseRecord(b []byte, log uint64) (r record, size int, ok bool) {
	if len(b) < recordHeader || binary.BigEndian.Uint64(b[8:]) != log {
		return record{}, 0, false
	}
	length := int64(binary.BigEndian.Uint32(b))
	if length > int64(len(b)-recordHeader) {
		return record{}, 0, false
	}
	end := recordHeader + int(length)
	if binary.BigEndian.Uint32(b[4:]) != recordChecksum(b[:end]) {
		return record{}, 0, false
	}
	size = min((end+recordAlign-1)/recordAlign*recordAlign, len(b))
	return record{binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[24:]), b[recordHeader:end:end]}, size, true
}

var errRecord = errors.New("a record of the log makes no sense")

// eachRow calls visit with the rows of a record; value is nil for a deletion.
func eachRow(rows []byte, visit func(key, value []byte)) error {
	for len(rows) > 0 {
		keySize, n := binary.Uvarint(rows)
		if n <= 0 || keySize == 0 || keySize > maxKey {
			return errRecord
		}
		rows = rows[n:]
		valueSize, n := binary.Uvarint(rows)
		if n <= 0 {
			return errRecord
		}
		rows = rows[n:]
		deleted := valueSize == 0
		if !deleted {
			valueSize--
		}
		if left := uint64(len(rows)); keySize > left || valueSize > left-keySize {
			return errRecord
		}
		end := keySize + valueSize
		key, value := rows[:keySize:keySize], rows[keySize:end:end]
		if deleted {
			value = nil
		}
		visit(key, value)
		rows = rows[end:]
	}
	return nil
}

// readSegment takes the records of a log from what a segment holds, up to the
// first that is not whole or is from before the segment was last begun anew,
// and tells where that is. A commit is written after the one before it is on
// the disk. So a whole record of a later commit than through, behind one that
// is not, is no write that was interrupted but damage.
func readSegment(b []byte, log, through uint64) (records []record, end int, err error) {
	last := uint64(0)
	for {
		r, size, ok := parseRecord(b[end:], log)
		if !ok || r.number <= last {
			break
		}
		last = r.number
		records = append(records, r)
		end += size
	}
	for at := end; at+recordHeader <= len(b); at += recordAlign {
		if r, _, ok := parseRecord(b[at:], log); ok && r.number > max(through, last) {
			return nil, 0, fmt.Errorf("the record at byte %d is damaged, and that at byte %d follows it", end, at)
		}
	}
	return records, end, nil
}
