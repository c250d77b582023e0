package journal

import (
	"encoding/json"
	"strconv"
	"time"
)

// AppendJSON appends e as encoding/json writes it, without escaping for HTML.
// Under load there are tens of thousands of entries a second, and reflection
// over this struct would be a good part of what a message costs.
func (e *Entry) AppendJSON(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = e.Time.AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	b = appendString(append(b, `,"type":`...), string(e.Kind))
	b = appendMember(b, `,"resource":`, e.Resource)
	b = appendMember(b, `,"connectionId":`, e.ConnectionID)
	b = appendMember(b, `,"requestId":`, e.RequestID)
	b = appendMember(b, `,"function":`, e.Function)
	b = appendMember(b, `,"route":`, e.Route)
	b = appendMember(b, `,"method":`, e.Method)
	b = appendMember(b, `,"path":`, e.Path)
	b = appendNumber(b, `,"status":`, int64(e.Status))
	b = appendNumber(b, `,"durationNs":`, int64(e.Duration))
	b = appendNumber(b, `,"bytes":`, int64(e.Bytes))
	b = appendMember(b, `,"stream":`, e.Stream)
	b = appendMember(b, `,"text":`, e.Text)
	b = appendMember(b, `,"error":`, e.Err)
	b = appendNumber(b, `,"dropped":`, int64(e.Dropped))
	return append(b, '}')
}

func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(append(b, name...), value)
}

func appendNumber(b []byte, name string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), n, 10)
}

// appendString appends s in quotes. Control characters that have no short
// escape, and what is no ASCII, are rare and left to encoding/json.
func appendString(b []byte, s string) []byte {
	from, start := len(b), 0
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		if ' ' <= c && c < 0x80 && c != '"' && c != '\\' {
			continue
		}
		switch b = append(b, s[start:i]...); c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			return appendEscaped(b[:from], s)
		}
		start = i + 1
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscaped(b []byte, s string) []byte {
	w := appender(b)
	enc := json.NewEncoder(&w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)   // strings always encode
	return w[:len(w)-1] // without the line's end
}

type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}
