package socket

import (
	"bytes"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/gobwas/ws"
	"pgregory.net/rapid"
)

// decodeAll feeds stream to a decoder in pieces and returns what it yields,
// until the first failure or close frame.
func decodeAll(stream []byte, piece func() int) (got []string, fail *CloseCode) {
	d := &decoder{options: limits()}
	d.options.TextOnly = false
	defer d.dropMessage()
	for {
		op, payload, ok, fail := d.next()
		switch {
		case fail != nil:
			return got, fail
		case ok:
			got = append(got, string(rune('0'+op))+string(payload))
			if op == ws.OpClose {
				return got, nil
			}
			continue
		case len(stream) == 0:
			return got, nil
		}
		space := d.space()
		n := copy(space[:min(len(space), max(1, piece()))], stream)
		stream = stream[n:]
		d.filled(n)
	}
}

// FuzzDecoder: any bytes are survived, the same however they are cut, and text
// that comes out is UTF-8 within the limits.
func FuzzDecoder(f *testing.F) {
	for _, row := range conformance {
		if len(row.send) < 1000 {
			f.Add(row.send, uint8(3))
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		whole, failed := decodeAll(slices.Clone(stream), func() int { return len(stream) })
		pieces, failedPieces := decodeAll(slices.Clone(stream), func() int { return int(size) })
		if (failed == nil) != (failedPieces == nil) {
			t.Fatalf("at once %v, in pieces %v", failed, failedPieces)
		}
		if !slices.Equal(whole, pieces) {
			t.Fatalf("at once %q, in pieces %q", whole, pieces)
		}
		for _, m := range whole {
			if m[0] == '1' && (!utf8.ValidString(m) || len(m) > 1+128<<10) {
				t.Fatalf("let through %q", m)
			}
		}
	})
}

// Any message, cut into any frames with any control frames between, comes out
// whole.
func TestMessagesComeOutAsTheyWentIn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want []string
		for range rapid.IntRange(1, 5).Draw(t, "messages") {
			message := rapid.StringN(0, 3000, 9000).Draw(t, "message")
			op, rest := ws.OpText, message
			for {
				n := rapid.IntRange(0, len(rest)).Draw(t, "frame")
				last := n == len(rest) && rapid.Bool().Draw(t, "last")
				flags := byte(more)
				if last {
					flags = fin
				}
				stream = append(stream, frame(flags, op, rest[:n])...)
				rest, op = rest[n:], ws.OpContinuation
				if last {
					break
				}
				if rapid.Bool().Draw(t, "ping") {
					stream = append(stream, ping("between")...)
					want = append(want, "9between")
				}
			}
			want = append(want, "1"+message)
		}
		got, fail := decodeAll(stream, func() int { return rapid.IntRange(1, 500).Draw(t, "read") })
		if fail != nil || !slices.Equal(got, want) {
			t.Fatalf("%v: %d frames, want %d", fail, len(got), len(want))
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte{0x81, 0x05})
	f.Add([]byte{0x81, 0xfe, 0x01, 0x00, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, p []byte) {
		h, n, valid := parseHeader(p)
		theirs, err := ws.ReadHeader(bytes.NewReader(p))
		if valid && n > 0 && (err != nil || h != theirs) || !valid && err == nil {
			t.Fatalf("%x: %+v %v; gobwas %+v %v", p, h, valid, theirs, err)
		}
	})
}
