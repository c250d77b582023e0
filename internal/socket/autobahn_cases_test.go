package socket

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"
)

// autobahnCase is a case of the Autobahn test suite under its number there.
type autobahnCase struct {
	number    string
	send      []byte
	chop      int    // bytes in one write; 0: all
	want, end string // as in TestConformance
}

const (
	violated = "close 1002 Protocol error"
	notText  = "close 1007 Invalid UTF-8"
)

// clean is a case that ends as the client asks, after these answers.
func clean(number string, chop int, send []byte, answers ...string) autobahnCase {
	return autobahnCase{number, join(send, closing(1000, "")), chop, strings.Join(append(answers, "close 1000"), "; "), "1000"}
}

// failing is a case in which the client breaks the protocol.
func failing(number string, chop int, closed string, send []byte, answers ...string) autobahnCase {
	return autobahnCase{number, send, chop, strings.Join(append(answers, closed), "; "), strings.TrimPrefix(closed, "close ")}
}

// answer is how a message comes back, as describe has it.
func answer(op ws.OpCode, payload string) string { return describe(op, []byte(payload)) }

// pieces is a message in frames of size bytes.
func pieces(op ws.OpCode, payload string, size int) []byte {
	var b []byte
	for first := true; first || payload != ""; first = false {
		n := min(size, len(payload))
		flags := byte(more)
		if n == len(payload) {
			flags = fin
		}
		b = append(b, frame(flags, op, payload[:n])...)
		op, payload = ws.OpContinuation, payload[n:]
	}
	return b
}

func framingCases() (all []autobahnCase) {
	for kind, op := range []ws.OpCode{ws.OpText, ws.OpBinary} {
		for i, size := range []int{0, 125, 126, 127, 128, 65535, 65536, 65536} {
			payload := strings.Repeat("*", size)
			all = append(all, clean(fmt.Sprintf("1.%d.%d", kind+1, i+1), 997*(i/7), frame(fin, op, payload), answer(op, payload)))
		}
	}
	pong := func(payload string) string { return answer(ws.OpPong, payload) }
	octets, long := "\x00\xff\xfe\xfd\xfc\xfb\x00\xff", strings.Repeat("\xfe", 125)
	unasked := frame(fin, ws.OpPong, "unasked")
	var ten []byte
	var tenPongs []string
	for i := range 10 {
		ten, tenPongs = append(ten, ping(fmt.Sprint("payload-", i))...), append(tenPongs, pong(fmt.Sprint("payload-", i)))
	}
	return append(all,
		clean("2.1", 0, ping(""), pong("")), clean("2.2", 0, ping("Hello, world!"), pong("Hello, world!")),
		clean("2.3", 0, ping(octets), pong(octets)), clean("2.4", 0, ping(long), pong(long)),
		failing("2.5", 0, violated, ping(long+"\xfe")), clean("2.6", 1, ping(long), pong(long)),
		clean("2.7", 0, frame(fin, ws.OpPong, "")), clean("2.8", 0, unasked),
		clean("2.9", 0, join(unasked, ping("asked")), pong("asked")),
		clean("2.10", 0, ten, tenPongs...), clean("2.11", 1, ten, tenPongs...),
	)
}

func reservedCases() (all []autobahnCase) {
	const hello = "Hello, world!"
	after := func(number string, chop int, op ws.OpCode, flags byte, payload string) autobahnCase {
		return failing(number, chop, violated, join(text(hello), frame(fin|flags, op, payload), ping("")), answer(ws.OpText, hello))
	}
	all = append(all,
		failing("3.1", 0, violated, frame(fin|0x10, ws.OpText, hello)), after("3.2", 0, ws.OpText, 0x20, hello),
		after("3.3", 0, ws.OpText, 0x30, hello), after("3.4", 1, ws.OpText, 0x40, hello),
		failing("3.5", 0, violated, frame(fin|0x50, ws.OpBinary, "\x00\xff")),
		failing("3.6", 0, violated, frame(fin|0x60, ws.OpPing, hello)), failing("3.7", 0, violated, frame(fin|0x70, ws.OpClose, "")),
	)
	for kind, first := range []ws.OpCode{3, 11} {
		number := func(n int) string { return fmt.Sprintf("4.%d.%d", kind+1, n) }
		all = append(all,
			failing(number(1), 0, violated, frame(fin, first, "")), failing(number(2), 0, violated, frame(fin, first+1, "reserved")),
			after(number(3), 0, first+2, 0, ""), after(number(4), 0, first+3, 0, hello), after(number(5), 1, first+4, 0, hello),
		)
	}
	return all
}

func fragmentCases() (all []autobahnCase) {
	const a, b = "fragment1", "fragment2"
	begin, end := frame(more, ws.OpText, a), frame(fin, ws.OpContinuation, b)
	stray, open := frame(fin, ws.OpContinuation, "stray"), frame(more, ws.OpContinuation, "stray")
	all = append(all,
		failing("5.1", 0, violated, join(frame(more, ws.OpPing, a), end)),
		failing("5.2", 0, violated, join(frame(more, ws.OpPong, a), end)),
	)
	for i, chop := range []int{0, len(begin), 1} { // at once, frame by frame, byte by byte
		number := func(n int) string { return fmt.Sprintf("5.%d", n+i) }
		all = append(all,
			clean(number(3), chop, join(begin, end), "text "+a+b),
			clean(number(6), chop, join(begin, ping("between"), end), "pong between", "text "+a+b),
			failing(number(9), chop, violated, join(stray, text("Hello"))),
			failing(number(12), chop, violated, join(open, text("Hello"))),
		)
	}
	long := join(begin, frame(more, ws.OpContinuation, "2"), ping("1!"), frame(more, ws.OpContinuation, "3"), frame(more, ws.OpContinuation, "4"), ping("2!"), frame(fin, ws.OpContinuation, "5"))
	return append(all,
		failing("5.15", 0, violated, join(begin, end, open, text("Hello")), "text "+a+b),
		failing("5.16", 0, violated, join(open, begin, end, open, begin, end)), failing("5.17", 0, violated, join(stray, begin, end, stray, begin, end)),
		failing("5.18", 0, violated, join(begin, text(b))),
		clean("5.19", 0, long, "pong 1!", "pong 2!", "text "+a+"2345"), clean("5.20", 1, long, "pong 1!", "pong 2!", "text "+a+"2345"),
	)
}

func textCases() (all []autobahnCase) {
	const valid, before, after = "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "edited"
	wrong := before + "\xed\xa0\x80" + after
	cut := func(number string, at ...int) autobahnCase { // fragments that end at these places
		whole := before + "\xf4\x90\x80\x80" + after
		send, from, op := []byte(nil), 0, ws.OpText
		for _, to := range at {
			send, from, op = append(send, frame(more, op, whole[from:to])...), to, ws.OpContinuation
		}
		return failing(number, 0, notText, send)
	}
	n := len(before)
	all = append(all,
		clean("6.1.1", 0, text(""), "text "), clean("6.1.2", 0, join(frame(more, ws.OpText, ""), frame(more, ws.OpContinuation, ""), frame(fin, ws.OpContinuation, "")), "text "),
		clean("6.1.3", 0, join(frame(more, ws.OpText, ""), frame(more, ws.OpContinuation, "middle"), frame(fin, ws.OpContinuation, "")), "text middle"),
		clean("6.2.1", 0, text(valid), "text "+valid), clean("6.2.2", 0, pieces(ws.OpText, valid, 13), "text "+valid),
		clean("6.2.3", 0, pieces(ws.OpText, valid, 1), "text "+valid), clean("6.2.4", 0, pieces(ws.OpText, before, 1), "text "+before),
		failing("6.3.1", 0, notText, text(wrong)), failing("6.3.2", 0, notText, pieces(ws.OpText, wrong, 1)),
		// No end of the message is there: what is wrong must be seen at once.
		cut("6.4.1", n, n+4), cut("6.4.2", n+1, n+2),
	)
	// The same within one frame, of which the rest does not come.
	begun := frame(fin, ws.OpText, before+"\xf4\x90\x80\x80"+after)
	all = append(all, failing("6.4.3", 0, notText, begun[:len(begun)-len(after)]), failing("6.4.4", 0, notText, begun[:len(begun)-len(after)-2]))
	for family, sequences := range utf8Families() {
		for i, s := range sequences {
			number := fmt.Sprintf("6.%d.%d", family+5, i+1)
			if s.valid {
				all = append(all, clean(number, 0, text(s.text), answer(ws.OpText, s.text)))
			} else {
				all = append(all, failing(number, 0, notText, text(s.text)))
			}
		}
	}
	return all
}

// sequence is a text and whether it is UTF-8.
type sequence struct {
	text  string
	valid bool
}

// utf8Families are the sequences of Markus Kuhn's decoder stress test, from 6.5.
func utf8Families() [][]sequence {
	of := func(valid bool, texts ...string) (all []sequence) {
		for _, s := range texts {
			all = append(all, sequence{s, valid})
		}
		return all
	}
	const word = "κόσμε"
	var prefixes []sequence
	for i := 1; i <= len(word); i++ {
		prefixes = append(prefixes, sequence{word[:i], strings.ToValidUTF8(word[:i], "") == word[:i]})
	}
	run := func(from, to byte, between string) string {
		var b strings.Builder
		for c := from; c < to; c++ {
			b.WriteByte(c)
			b.WriteString(between)
		}
		return b.String()
	}
	incomplete := []string{"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80", "\xdf", "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf"}
	nonCharacters := of(true, "\uFFFE", "\uFFFF")
	for plane := rune(1); plane <= 16; plane++ {
		nonCharacters = append(nonCharacters, of(true, string(plane<<16|0xFFFE), string(plane<<16|0xFFFF))...)
	}
	high, low := []string{"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf"}, []string{"\xed\xb0\x80", "\xed\xbf\xbf"}
	var pairs []string
	for _, h := range high {
		for _, l := range low {
			pairs = append(pairs, h+l)
		}
	}
	return [][]sequence{
		of(true, "hello$world", "hello¢world", "hello€world", "hello\U00024B62world", word), // 6.5
		prefixes,
		of(true, "\x00", "\u0080", "\u0800", "\U00010000"),
		of(false, "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"),
		of(true, "\x7f", "\u07ff", "\uffff", "\U0010ffff"),
		of(false, "\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf"), // 6.10
		append(of(true, "\ud7ff", "\ue000", "\ufffd", "\U0010ffff"), of(false, "\xf4\x90\x80\x80")...),
		of(false, "\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf", "\x80\xbf\x80\xbf\x80", "\x80\xbf\x80\xbf\x80\xbf", run(0x80, 0xbf, "")),
		of(false, run(0xc0, 0xdf, " "), run(0xe0, 0xef, " "), run(0xf0, 0xf7, " "), run(0xf8, 0xfb, " "), run(0xfc, 0xfd, " ")),
		of(false, incomplete...),
		of(false, strings.Join(incomplete, "")), // 6.15
		of(false, "\xfe", "\xff", "\xfe\xfe\xff\xff"),
		of(false, "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf", "\xfc\x80\x80\x80\x80\xaf"),
		of(false, "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf", "\xfc\x83\xbf\xbf\xbf\xbf"),
		of(false, "\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80", "\xfc\x80\x80\x80\x80\x80"),
		of(false, append(append([]string{}, high...), "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf")...), // 6.20
		of(false, pairs...),
		nonCharacters,
		of(true, "\ufff9", "\ufffa", "\ufffb", "\ufffc", "\ufffd", "\ufffe", "\uffff"), // 6.23
	}
}

func closingCases() (all []autobahnCase) {
	silent := func(number string, send []byte, answers ...string) autobahnCase {
		return autobahnCase{number, send, 0, strings.Join(append(answers, "close 1000"), "; "), "1000"}
	}
	bye, reason, big := closing(1000, ""), strings.Repeat("*", 123), strings.Repeat("B", 256<<10)
	all = append(all,
		clean("7.1.1", 0, text("Hello"), "text Hello"), silent("7.1.2", join(bye, bye)), silent("7.1.3", join(bye, ping(""))),
		silent("7.1.4", join(bye, text("Hello"))), silent("7.1.5", join(frame(more, ws.OpText, "a"), bye, frame(fin, ws.OpContinuation, "b"))),
		silent("7.1.6", join(text(big), text("Hello"), bye, ping("")), answer(ws.OpText, big), "text Hello"),
		autobahnCase{"7.3.1", frame(fin, ws.OpClose, ""), 0, "close", "1005"}, failing("7.3.2", 0, violated, frame(fin, ws.OpClose, "a")),
		silent("7.3.3", bye), failing("7.3.4", 0, "close 1000 Hello", closing(1000, "Hello")),
		failing("7.3.5", 0, "close 1000 "+reason, closing(1000, reason)), failing("7.3.6", 0, violated, closing(1000, reason+"*")),
		failing("7.5.1", 0, notText, closing(1000, "κόσμε\xed\xa0\x80edited")),
	)
	for i, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999} {
		all = append(all, failing(fmt.Sprintf("7.7.%d", i+1), 0, fmt.Sprint("close ", code), closing(code, "")))
	}
	for i, code := range []int{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999} {
		all = append(all, failing(fmt.Sprintf("7.9.%d", i+1), 0, violated, closing(code, "")))
	}
	return append(all, failing("7.13.1", 0, violated, closing(5000, "")), failing("7.13.2", 0, violated, closing(65535, "")))
}

// sizeCases are fewer than the suite's: sizes to 1 MB, and some of the many
// ways to cut them. TestAutobahn has them all.
func sizeCases() (all []autobahnCase) {
	for kind, op := range []ws.OpCode{ws.OpText, ws.OpBinary} {
		for i, size := range []int{64 << 10, 256 << 10, 1 << 20} {
			payload := strings.Repeat("*", size)
			all = append(all, clean(fmt.Sprintf("9.%d.%d", kind+1, i+1), 0, frame(fin, op, payload), answer(op, payload)))
		}
		payload := strings.Repeat("*", 256<<10)
		for i, size := range []int{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10} {
			all = append(all, clean(fmt.Sprintf("9.%d.%d", kind+3, i+1), 0, pieces(op, payload, size), answer(op, payload)))
		}
		for i, chop := range []int{64, 128, 256, 512, 1024, 2048} {
			all = append(all, clean(fmt.Sprintf("9.%d.%d", kind+5, i+1), chop, frame(fin, op, payload), answer(op, payload)))
		}
		for i, size := range []int{0, 16, 64, 256, 1024, 4096} {
			var many []byte
			var answers []string
			for range 100 {
				many, answers = append(many, frame(fin, op, payload[:size])...), append(answers, answer(op, payload[:size]))
			}
			all = append(all, clean(fmt.Sprintf("9.%d.%d", kind+7, i+1), 0, many, answers...))
		}
	}
	payload := strings.Repeat("*", 65536)
	return append(all, clean("10.1.1", 0, pieces(ws.OpText, payload, 1300), answer(ws.OpText, payload)))
}

func TestAutobahnCases(t *testing.T) {
	count := 0
	for _, section := range []func() []autobahnCase{framingCases, reservedCases, fragmentCases, textCases, closingCases, sizeCases} {
		for _, c := range section() {
			count++
			t.Run(c.number, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { c.run(t) })
			})
		}
	}
	if count < 250 {
		t.Errorf("%d cases", count)
	}
}

func (c *autobahnCase) run(t *testing.T) {
	h := &mirror{}
	_, client := start(t, &Options{MaxMessage: 16 << 20, QueueBytes: 64 << 20}, h)
	got := receive(client)
	chop := c.chop
	if chop == 0 {
		chop = len(c.send)
	}
	for send := c.send; len(send) > 0; {
		n := min(chop, len(send))
		if _, err := client.Write(send[:n]); err != nil {
			break // the server has ended, as it may
		}
		send = send[n:]
	}
	<-got.done
	synctest.Wait()
	if frames := got.frames(t); frames != c.want {
		t.Errorf("the server sent %.300q, want %.300q", frames, c.want)
	}
	if h.end() != c.end {
		t.Errorf("ended with %q, want %q", h.end(), c.end)
	}
}
