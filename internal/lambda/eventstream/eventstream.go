// Package eventstream is the Amazon Event Stream encoding, as far as Lambda uses
// it: messages whose headers are all texts.
package eventstream

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// Append appends one message of the Amazon Event Stream encoding: total
// length, length of the headers and a checksum of both, then headers, payload
// and a checksum of everything (Smithy, "Amazon Event Stream Specification").
// Headers are names, each with its value after it.
func Append(b []byte, payload []byte, headers ...string) []byte {
	start := len(b)
	b = append(b, make([]byte, 12)...)
	for i := 0; i+1 < len(headers); i += 2 {
		name, value := headers[i], headers[i+1]
		b = append(b, byte(len(name)))
		b = append(b, name...)
		b = append(b, headerText)
		b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
		b = append(b, value...)
	}
	frame := b[start:]
	binary.BigEndian.PutUint32(frame[0:], uint32(len(frame)+len(payload)+4))
	binary.BigEndian.PutUint32(frame[4:], uint32(len(frame)-12))
	binary.BigEndian.PutUint32(frame[8:], crc32.ChecksumIEEE(frame[:8]))
	b = append(b, payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
}

// Message is one message of an event stream.
type Message struct {
	Headers map[string]string // those that are texts
	Payload []byte
}

// maxMessage bounds what Read takes: more than any message holds
// (Smithy, "Amazon Event Stream Specification": 24 MB and 128 KB).
const maxMessage = 24<<20 + 128<<10 + 16

var errBroken = errors.New("the event stream is damaged")

// Read reads the next message of an event stream; io.EOF at its end.
func Read(r io.Reader) (*Message, error) {
	var prelude [12]byte
	if _, err := io.ReadFull(r, prelude[:]); err != nil {
		return nil, err
	}
	total, head := binary.BigEndian.Uint32(prelude[0:]), binary.BigEndian.Uint32(prelude[4:])
	if crc32.ChecksumIEEE(prelude[:8]) != binary.BigEndian.Uint32(prelude[8:]) ||
		total < 16 || total > maxMessage || head > total-16 {
		return nil, errBroken
	}
	rest := make([]byte, total-12)
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	end := len(rest) - 4
	sum := crc32.Update(crc32.ChecksumIEEE(prelude[:]), crc32.IEEETable, rest[:end])
	if sum != binary.BigEndian.Uint32(rest[end:]) {
		return nil, errBroken
	}
	m := &Message{Headers: make(map[string]string), Payload: rest[head:end]}
	return m, m.readHeaders(rest[:head])
}

// headerText is the type of a header that is a text; no other is used here.
const headerText = 7

func (m *Message) readHeaders(b []byte) error {
	for len(b) > 0 {
		n := int(b[0])
		if len(b) < n+4 || b[n+1] != headerText {
			return errBroken
		}
		length := int(binary.BigEndian.Uint16(b[n+2:]))
		if len(b) < n+4+length {
			return errBroken
		}
		m.Headers[string(b[1:n+1])] = string(b[n+4 : n+4+length])
		b = b[n+4+length:]
	}
	return nil
}
