package websocketapi

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// fields is a request's header as a $connect event shows it: with the client's
// spelling, in the order of the names, Host included.
func (a *API) fields(r *http.Request) []Field {
	if a.config.RawHeader != nil {
		if raw := a.config.RawHeader(r); raw != nil {
			return oneSpelling(sortFields(slices.Clone(raw)))
		}
	}
	fs := make([]Field, 0, len(r.Header)+5)
	fs = append(fs, Field{"Host", r.Host})
	for name, values := range r.Header {
		for _, v := range values {
			fs = append(fs, Field{spelling(name), v})
		}
	}
	return sortFields(fs)
}

// spelling undoes what net/http does to a name that RFC 6455 spells otherwise.
func spelling(name string) string {
	if rest, ok := strings.CutPrefix(name, "Sec-Websocket-"); ok {
		return "Sec-WebSocket-" + rest
	}
	return name
}

func sortFields(fs []Field) []Field {
	slices.SortStableFunc(fs, func(a, b Field) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return fs
}

// oneSpelling gives repeated names the spelling of the first: they are one
// member of an event's headers. fs is sorted.
func oneSpelling(fs []Field) []Field {
	for i := 1; i < len(fs); i++ {
		if strings.EqualFold(fs[i].Name, fs[i-1].Name) {
			fs[i].Name = fs[i-1].Name
		}
	}
	return fs
}

// forwarded adds what API Gateway's front adds. Port and protocol are what AWS
// would say, also on a plaintext listener: apps build URLs from them that must
// be right once deployed.
func forwarded(fs []Field, sourceIP, traceID string) []Field {
	kept := make([]Field, 0, len(fs)+4)
	trace, via := traceID, ""
	for _, f := range fs {
		switch strings.ToLower(f.Name) {
		case "x-amzn-trace-id":
			trace = f.Value
		case "x-forwarded-for":
			via += f.Value + ", "
		case "x-forwarded-port", "x-forwarded-proto":
		default:
			kept = append(kept, f)
		}
	}
	return sortFields(append(kept,
		Field{"X-Amzn-Trace-Id", trace},
		Field{"X-Forwarded-For", via + sourceIP},
		Field{"X-Forwarded-Port", "443"},
		Field{"X-Forwarded-Proto", "https"},
	))
}

// withoutHop drops what $connect events do not show.
func withoutHop(fs []Field) []Field {
	kept := make([]Field, 0, len(fs))
	for _, f := range fs {
		switch strings.ToLower(f.Name) {
		case "connection", "upgrade", "content-length":
		default:
			kept = append(kept, f)
		}
	}
	return kept
}

// withHop has what $connect events lack, as authorizer events show it.
func withHop(fs []Field) []Field {
	return sortFields(append(withoutHop(fs),
		Field{"Connection", "upgrade"}, Field{"Upgrade", "websocket"}, Field{"content-length", "0"}))
}

// lookup returns the last value of a name; fold ignores case, as for headers.
func lookup(fs []Field, name string, fold bool) (value string, ok bool) {
	for _, f := range fs {
		if f.Name == name || fold && strings.EqualFold(f.Name, name) {
			value, ok = f.Value, true
		}
	}
	return value, ok
}

// queryFields decodes a query string, in its order.
func queryFields(raw string) []Field {
	var fs []Field
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		fs = append(fs, Field{unescapeQuery(name), unescapeQuery(value)})
	}
	return fs
}

// unescapeQuery decodes percent signs and plus signs; what cannot be decoded
// stays as it is.
func unescapeQuery(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return strings.ToValidUTF8(d, "\uFFFD")
	}
	return s
}

func unescape(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}

// sourceIP is the client's address without its port.
func sourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	host, _, _ = strings.Cut(host, "%") // an IPv6 zone
	return host
}
