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

// appendString appends s in quotes; what needs an escape is rare and left to
// encoding/json.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			return appendEscaped(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"')
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
