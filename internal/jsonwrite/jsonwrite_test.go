package jsonwrite

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// standard is s as encoding/json writes it, but for three characters, which it
// escapes without need.
func standard(t *testing.T, s string) string {
	t.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// FuzzString: what is written is what encoding/json writes, and is read back.
func FuzzString(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\x1f\"\\\n\r\t\b\f/<>&é😀\x7f")
	f.Add("\u2028\u2029\xff\xe2\x82")
	f.Add(`\ufffd`)
	f.Fuzz(func(t *testing.T, s string) {
		got := String([]byte("x"), s)[1:]
		valid := strings.ToValidUTF8(s, "\uFFFD")
		if !strings.ContainsAny(valid, "\u2028\u2029\uFFFD") && string(got) != standard(t, s) {
			t.Fatalf("%q is %s, encoding/json has %s", s, got, standard(t, s))
		}
		var back, want string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q is %s: %v", s, got, err)
		}
		if err := json.Unmarshal([]byte(standard(t, s)), &want); err != nil || back != want {
			t.Fatalf("%q came back as %q, encoding/json has %q, %v", s, back, want, err)
		}
	})
}

// Strings are looked at in steps of eight bytes.
func TestEveryByteAtEveryPlace(t *testing.T) {
	for c := range 256 {
		for at := range 17 {
			s := strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat("b", 16-at)
			if c >= 0x80 {
				s = strings.ToValidUTF8(strings.Repeat("a", at)+string(rune(c))+strings.Repeat("b", 16-at), "?")
			}
			if got := string(String(nil, s)); got != standard(t, s) {
				t.Errorf("%q is %s, encoding/json has %s", s, got, standard(t, s))
			}
		}
	}
}

func TestMembers(t *testing.T) {
	b := Text([]byte{'{'}, "a", "x\"y")
	b = Int(b, "b", -7)
	b = Bool(Object(b, "c"), "d", true)
	b = Texts(append(b, '}'), "e", []string{"f", "g"})
	b = append(String(Comma(List(b, "h")), "i"), ']', '}')
	if want := `{"a":"x\"y","b":-7,"c":{"d":true},"e":["f","g"],"h":["i"]}`; string(b) != want {
		t.Errorf("%s\nwant %s", b, want)
	}
}

func TestWritingTakesNoMemory(t *testing.T) {
	b := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { b = Text(append(b[:0], '{'), "text", "é \"quoted\" \x01 \xff") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
