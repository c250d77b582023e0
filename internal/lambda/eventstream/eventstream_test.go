package eventstream

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
)

type frame struct {
	headers string
	payload string
}

// frames takes an event stream apart, checking lengths and checksums.
func frames(t *testing.T, data []byte) (out []frame) {
	t.Helper()
	for len(data) > 0 {
		total, head := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
		if int(total) > len(data) || crc32.ChecksumIEEE(data[:8]) != binary.BigEndian.Uint32(data[8:]) ||
			crc32.ChecksumIEEE(data[:total-4]) != binary.BigEndian.Uint32(data[total-4:]) {
			t.Fatalf("broken frame %q", data)
		}
		var headers []string
		for h := data[12 : 12+head]; len(h) > 0; {
			n := int(h[0])
			v := int(binary.BigEndian.Uint16(h[2+n:]))
			headers = append(headers, string(h[1:1+n])+"="+string(h[4+n:4+n+v]))
			h = h[4+n+v:]
		}
		out = append(out, frame{strings.Join(headers, " "), string(data[12+head : total-4])})
		data = data[total:]
	}
	return out
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte("payload"), "name", "value")
	f.Fuzz(func(t *testing.T, payload []byte, name, value string) {
		if name == "" || len(name) > 255 || len(value) > 65535 {
			t.Skip()
		}
		got := frames(t, Append(nil, payload, name, value))
		if len(got) != 1 || got[0].payload != string(payload) || got[0].headers != name+"="+value {
			t.Errorf("got %q", got)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add(Append(nil, []byte("hello"), ":event-type", "PayloadChunk"))
	f.Add(Append(nil, []byte(`{"ErrorCode":"E"}`), ":message-type", "event", ":event-type", "InvokeComplete"))
	f.Add([]byte{0, 0, 0, 16, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(bytes.NewReader(data))
		if err == nil && len(m.Payload) > len(data) {
			t.Errorf("%d bytes of %d", len(m.Payload), len(data))
		}
		again, err := Read(bytes.NewReader(Append(nil, data, ":event-type", "PayloadChunk")))
		if err != nil || !bytes.Equal(again.Payload, data) || again.Headers[":event-type"] != "PayloadChunk" {
			t.Errorf("%+v, %v", again, err)
		}
	})
}
