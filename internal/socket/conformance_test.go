package socket

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"
)

// The rows follow the case families of the Autobahn test suite, which tests
// RFC 6455 section by section. What the server sends stands before the arrow's
// end, how the connection ended behind it.
var conformance = []struct {
	name string
	send []byte
	want string // frames from the server
	end  string
}{
	// 1: framing
	{"1.1 empty text", join(text(""), closing(1000, "")), "text ; close 1000", "1000"},
	{"1.1 text of 125 bytes", join(text(strings.Repeat("*", 125)), closing(1000, "")), "text 125 bytes; close 1000", "1000"},
	{"1.1 text of 126 bytes", join(text(strings.Repeat("*", 126)), closing(1000, "")), "text 126 bytes; close 1000", "1000"},
	{"1.1 text of 128 bytes", join(text(strings.Repeat("*", 128)), closing(1000, "")), "text 128 bytes; close 1000", "1000"},
	{"1.1 text of 32768 bytes", join(text(strings.Repeat("*", 32768)), closing(1000, "")), "text 32768 bytes; close 1000", "1000"},
	{"1.2 binary", join(frame(fin, ws.OpBinary, "x"), closing(1003, "")), "close 1003 Binary is not supported", "1003 Binary is not supported"},

	// 2: pings and pongs
	{"2.1 ping without payload", join(ping(""), closing(1000, "")), "pong ; close 1000", "1000"},
	{"2.4 ping of 125 bytes", join(ping(strings.Repeat("*", 125)), closing(1000, "")), "pong 125 bytes; close 1000", "1000"},
	{"2.5 ping of 126 bytes", ping(strings.Repeat("*", 126)), "close 1002 Protocol error", "1002 Protocol error"},
	{"2.7 unsolicited pong", join(frame(fin, ws.OpPong, "x"), closing(1000, "")), "close 1000", "1000"},
	{"2.10 pings in order", join(ping("1"), ping("2"), ping("3"), closing(1000, "")), "pong 1; pong 2; pong 3; close 1000", "1000"},

	// 3: reserved bits
	{"3.1 RSV3", frame(fin|0x10, ws.OpText, "x"), "close 1002 Protocol error", "1002 Protocol error"},
	{"3.2 RSV2 after a message", join(text("a"), frame(fin|0x20, ws.OpText, "x"), ping("")), "text a; close 1002 Protocol error", "1002 Protocol error"},
	{"3.4 RSV1", frame(fin|0x40, ws.OpText, "x"), "close 1002 Protocol error", "1002 Protocol error"},
	{"3.6 RSV1 on a ping", frame(fin|0x40, ws.OpPing, ""), "close 1002 Protocol error", "1002 Protocol error"},
	{"3.7 RSV on a close", frame(fin|0x70, ws.OpClose, ""), "close 1002 Protocol error", "1002 Protocol error"},

	// 4: reserved opcodes
	{"4.1 opcode 3", frame(fin, 3, ""), "close 1002 Protocol error", "1002 Protocol error"},
	{"4.1 opcode 7 after a message", join(text("a"), frame(fin, 7, "x")), "text a; close 1002 Protocol error", "1002 Protocol error"},
	{"4.2 opcode 11", frame(fin, 11, ""), "close 1002 Protocol error", "1002 Protocol error"},
	{"4.2 opcode 15", frame(fin, 15, "x"), "close 1002 Protocol error", "1002 Protocol error"},

	// 5: fragmentation
	{"5.1 ping in two fragments", join(frame(more, ws.OpPing, "a"), frame(fin, ws.OpContinuation, "b")), "close 1002 Protocol error", "1002 Protocol error"},
	{"5.2 pong in two fragments", frame(more, ws.OpPong, "a"), "close 1002 Protocol error", "1002 Protocol error"},
	{"5.3 text in two", join(frame(more, ws.OpText, "a"), frame(fin, ws.OpContinuation, "b"), closing(1000, "")), "text ab; close 1000", "1000"},
	{"5.6 ping between fragments", join(frame(more, ws.OpText, "a"), ping("p"), frame(fin, ws.OpContinuation, "b"), closing(1000, "")), "pong p; text ab; close 1000", "1000"},
	{"5.9 continuation of nothing", frame(fin, ws.OpContinuation, "x"), "close 1002 Protocol error", "1002 Protocol error"},
	{"5.12 continuation after a message", join(text("a"), frame(more, ws.OpContinuation, "x")), "text a; close 1002 Protocol error", "1002 Protocol error"},
	{"5.15 text, then continuation", join(frame(more, ws.OpText, "a"), frame(fin, ws.OpContinuation, "b"), frame(more, ws.OpContinuation, "c")), "text ab; close 1002 Protocol error", "1002 Protocol error"},
	{"5.18 second text within a message", join(frame(more, ws.OpText, "a"), text("b")), "close 1002 Protocol error", "1002 Protocol error"},
	{"5.19 five fragments and pings", join(frame(more, ws.OpText, "1"), frame(more, ws.OpContinuation, "2"), ping("x"), frame(more, ws.OpContinuation, "3"), frame(more, ws.OpContinuation, "4"), ping("y"), frame(fin, ws.OpContinuation, "5"), closing(1000, "")), "pong x; pong y; text 12345; close 1000", "1000"},
	{"5 empty fragments", join(frame(more, ws.OpText, ""), frame(more, ws.OpContinuation, ""), frame(fin, ws.OpContinuation, ""), closing(1000, "")), "text ; close 1000", "1000"},

	// 6: UTF-8
	{"6.1 empty and not empty fragments", join(frame(more, ws.OpText, ""), frame(more, ws.OpContinuation, "middle"), frame(fin, ws.OpContinuation, ""), closing(1000, "")), "text middle; close 1000", "1000"},
	{"6.2 valid, whole", join(text("Hello-µ@ßöäüàá-UTF-8!!"), closing(1000, "")), "text Hello-µ@ßöäüàá-UTF-8!!; close 1000", "1000"},
	{"6.2 valid, cut within a character", join(frame(more, ws.OpText, "κόσμ"[:3]), frame(fin, ws.OpContinuation, "κόσμ"[3:]), closing(1000, "")), "text κόσμ; close 1000", "1000"},
	{"6.3 invalid", text("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"), "close 1007 Invalid UTF-8", "1007 Invalid UTF-8"},
	{"6.4 invalid in a fragment, at once", join(frame(more, ws.OpText, "κόσμε"), frame(more, ws.OpContinuation, "\xf4\x90\x80\x80")), "close 1007 Invalid UTF-8", "1007 Invalid UTF-8"},
	{"6.6 half a character at the end", text("\xce"), "close 1007 Invalid UTF-8", "1007 Invalid UTF-8"},
	{"6.6 half a character at the end of fragments", join(frame(more, ws.OpText, "a\xe1"), frame(fin, ws.OpContinuation, "\xbd")), "close 1007 Invalid UTF-8", "1007 Invalid UTF-8"},
	{"6.21 surrogate", text("\xed\xa0\x80"), "close 1007 Invalid UTF-8", "1007 Invalid UTF-8"},
	{"6.8 overlong", text("\xc0\xaf"), "close 1007 Invalid UTF-8", "1007 Invalid UTF-8"},
	{"6.22 non-characters are characters", join(text("\xef\xbf\xbe"), closing(1000, "")), "text \ufffe; close 1000", "1000"},
	{"6 large and invalid at the end", text(strings.Repeat("é", 10000) + "\xff"), "close 1007 Invalid UTF-8", "1007 Invalid UTF-8"},

	// 7: closing
	{"7.1 message after close is dropped", join(closing(1000, ""), text("late")), "close 1000", "1000"},
	{"7.1 close within a message", join(frame(more, ws.OpText, "a"), closing(1000, ""), frame(fin, ws.OpContinuation, "b")), "close 1000", "1000"},
	{"7.3 close without payload", frame(fin, ws.OpClose, ""), "close", "1005"},
	{"7.3 close with one byte", frame(fin, ws.OpClose, "a"), "close 1002 Protocol error", "1002 Protocol error"},
	{"7.3 close with code and reason", closing(1000, "bye"), "close 1000 bye", "1000 bye"},
	{"7.3 reason of 123 bytes", closing(1000, strings.Repeat("*", 123)), "close 1000 " + strings.Repeat("*", 123), "1000 " + strings.Repeat("*", 123)},
	{"7.3 reason of 124 bytes", closing(1000, strings.Repeat("*", 124)), "close 1002 Protocol error", "1002 Protocol error"},
	{"7.5 reason is not UTF-8", closing(1000, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"), "close 1007 Invalid UTF-8", "1007 Invalid UTF-8"},

	// 9: limits, as API Gateway sets them
	{"9 a frame of 32769 bytes", text(strings.Repeat("*", 32769)), "close 1009 Message too big", "1009 Message too big"},
	{"9 a length nobody has", []byte{0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, "close 1009 Message too big", "1009 Message too big"},
	{"9 a length with the top bit", []byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "close 1002 Protocol error", "1002 Protocol error"},
	{"9 131072 bytes in four frames", join(frames(4, 32768), closing(1000, "")), "text 131072 bytes; close 1000", "1000"},
	{"9 131073 bytes in five", join(frame(more, ws.OpText, "*"), bytes.Repeat(frame(more, ws.OpContinuation, strings.Repeat("*", 32768)), 4)), "close 1009 Message too big", "1009 Message too big"},

	// masks
	{"an unmasked frame", []byte{0x81, 0x01, 'x'}, "close 1002 Protocol error", "1002 Protocol error"},
	{"an unmasked close", []byte{0x88, 0x00}, "close 1002 Protocol error", "1002 Protocol error"},
	{"the end without a close frame", text("a"), "text a", "1006"},
}

// frames is a message of n frames of size bytes.
func frames(n, size int) []byte {
	b := frame(more, ws.OpText, strings.Repeat("*", size))
	for i := 2; i < n; i++ {
		b = append(b, frame(more, ws.OpContinuation, strings.Repeat("*", size))...)
	}
	return append(b, frame(fin, ws.OpContinuation, strings.Repeat("*", size))...)
}

func TestConformance(t *testing.T) {
	ways := map[string]func(n int) int{
		"at once":      func(n int) int { return n },
		"byte by byte": func(int) int { return 1 },
		"by 7":         func(n int) int { return min(n, 7) },
	}
	for _, row := range conformance {
		for how, step := range ways {
			if len(row.send) > 40000 && how == "byte by byte" && testing.Short() {
				continue // 130,000 hand-overs between goroutines
			}
			t.Run(row.name+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := &echo{}
					_, client := start(t, limits(), h)
					got := receive(client)
					send := row.send
					for len(send) > 0 {
						n := step(len(send))
						if _, err := client.Write(send[:n]); err != nil {
							break // the server has ended, as it may
						}
						send = send[n:]
					}
					synctest.Wait()
					if row.end == "1006" {
						_ = client.Close()
					}
					<-got.done // the server ends it, at the latest after CloseWait
					synctest.Wait()
					if frames := got.frames(t); frames != row.want {
						t.Errorf("the server sent %q, want %q", frames, row.want)
					}
					if h.end() != row.end {
						t.Errorf("ended with %q, want %q", h.end(), row.end)
					}
				})
			})
		}
	}
}

func TestCloseCodes(t *testing.T) {
	answered := []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}
	refused := []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}
	for _, code := range answered {
		if got, fail := parseClose([]byte{byte(code >> 8), byte(code)}); fail != nil || got.Code != code {
			t.Errorf("%d: %v, %v", code, got, fail)
		}
	}
	for _, code := range refused {
		if _, fail := parseClose([]byte{byte(code >> 8), byte(code)}); fail == nil || fail.Code != StatusProtocolError {
			t.Errorf("%d is accepted", code)
		}
	}
}

func TestLongReasonsAreCutAtACharacter(t *testing.T) {
	b := closeFrame(CloseCode{Code: 1000, Reason: strings.Repeat("é", 70)})
	defer b.release()
	if n := int(b.b[1]); n != 2+122 || len(b.b) != 2+n {
		t.Errorf("payload of %d bytes in a frame of %d", n, len(b.b))
	}
}
