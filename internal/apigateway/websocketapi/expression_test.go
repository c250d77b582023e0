package websocketapi

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// FuzzIDs: ids are taken only in their two forms.
func FuzzIDs(f *testing.F) {
	f.Add("JC1dgf9yoAMCK-g=")
	f.Add("gbgA_S5PGQAYKEilZA==")
	f.Add("XXX")
	f.Fuzz(func(t *testing.T, id string) {
		b, err := base64.URLEncoding.DecodeString(id)
		if decodable := err == nil && (len(b) == 11 || len(b) == 13) && !strings.ContainsAny(id, "\r\n"); decodable && !wellFormed(id) {
			t.Fatalf("%q is refused", id)
		}
	})
}

func TestIDs(t *testing.T) {
	var g ids
	g.seed()
	seen := map[string]bool{}
	for range 10000 {
		c := g.connection()
		m, r := g.message(c), g.request()
		if !wellFormed(c) || !wellFormed(m) || !wellFormed(r) || !strings.ContainsAny(c, "-_") || m[headChars:] != c[headChars:] {
			t.Fatalf("%s %s %s", c, m, r)
		}
		for _, id := range []string{c, m, r} {
			if seen[id] {
				t.Fatalf("%s twice", id)
			}
			seen[id] = true
		}
	}
}

// FuzzAppendText: what is written as JSON is read back as the same text.
func FuzzAppendText(f *testing.F) {
	f.Add("plain")
	f.Add("\x00\x1f\"\\\n\r\t\b\f/<>&\u2028é😀\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(jsonwrite.String(nil, s), &back); err != nil || back != toValid(s) {
			t.Fatalf("%q came back as %q, %v", s, back, err)
		}
		if utf8.ValidString(s) && string(appendTextBytes(nil, []byte(s))) != string(jsonwrite.String(nil, s)) {
			t.Fatalf("%q: the two encoders differ", s)
		}
	})
}

func toValid(s string) string { return string([]rune(s)) }

// FuzzToText: what is pushed is always text, and text is left alone.
func FuzzToText(f *testing.F) {
	f.Add([]byte("ok"))
	f.Add([]byte("\xe2\x82\xf0\x9f\x98"))
	f.Fuzz(func(t *testing.T, p []byte) {
		out := toText(p)
		if !utf8.Valid(out) || utf8.Valid(p) && string(out) != string(p) {
			t.Fatalf("%q became %q", p, out)
		}
		if n := strings.Count(string(out), "\uFFFD"); n > len(p) {
			t.Fatalf("%d replacements for %d bytes", n, len(p))
		}
	})
}

// FuzzProxyResult: any answer of a function is survived.
func FuzzProxyResult(f *testing.F) {
	f.Add([]byte(`{"statusCode":200,"headers":{"a":1},"body":"x"}`))
	f.Fuzz(func(_ *testing.T, answer []byte) {
		if r, fail := readProxyResult(answer); fail == nil {
			_, _ = r.status()
			_, _ = r.content()
			_ = r.header("sec-websocket-protocol")
		}
		_, _, _ = readPrincipal(answer)
	})
}
