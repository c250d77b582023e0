package mapping

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"

	"github.com/suiro-dev/suiro/internal/vtl"
)

// util is $util.
type util struct{}

func (util) Property(string) vtl.Value { return nil }

func (util) Call(name string, args []vtl.Value) (vtl.Value, bool, error) {
	f := functions[name]
	if f == nil || len(args) != 1 {
		return nil, false, nil
	}
	if args[0] == nil {
		return nil, true, nil
	}
	s, err := oneText(args)
	if err != nil {
		if s, err = plain(args[0]); err != nil {
			return nil, true, err
		}
	}
	v, err := f(s)
	return v, true, err
}

// plain is the text of a number or a boolean.
func plain(v vtl.Value) (string, error) {
	switch v.(type) {
	case bool, int64, float64:
		b, err := vtl.AppendJSON(nil, v)
		return string(b), err
	}
	return "", errArguments
}

var functions = map[string]func(s string) (vtl.Value, error){
	"escapeJavaScript": func(s string) (vtl.Value, error) { return escapeJavaScript(s), nil },
	"parseJson":        func(s string) (vtl.Value, error) { return vtl.FromJSON([]byte(s)) },
	"urlEncode":        func(s string) (vtl.Value, error) { return urlEncode(s), nil },
	"urlDecode":        func(s string) (vtl.Value, error) { return url.QueryUnescape(s) },
	"base64Encode":     func(s string) (vtl.Value, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil },
	"base64Decode":     base64Decode,
}

// escapeJavaScript escapes as Apache Commons Lang does, which is where the
// function's name comes from: single quotes, too, which JSON does not allow to
// be escaped (the guide tells to undo that), slashes, and what is not ASCII.
func escapeJavaScript(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '\'' || c == '"' || c == '\\' || c == '/':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\b':
			b.WriteString(`\b`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\f':
			b.WriteString(`\f`)
		case c == '\r':
			b.WriteString(`\r`)
		case c < ' ' || c > '~':
			for _, unit := range utf16.AppendRune(nil, c) {
				fmt.Fprintf(&b, `\u%04X`, unit)
			}
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// urlEncode is Java's URLEncoder: application/x-www-form-urlencoded, with "*"
// as it is and "~" encoded.
func urlEncode(s string) string {
	return strings.NewReplacer("~", "%7E", "%2A", "*").Replace(url.QueryEscape(s))
}

// base64Decode takes both alphabets, with padding or without.
func base64Decode(s string) (vtl.Value, error) {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "").Replace(s), "=")
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%.20q is no base64", s)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD"), nil
}
