package webadapter

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/lambda/environment"
)

// integrationType is the content type of a stream that begins with a prelude
// (Developer Guide, "Response streaming for Lambda functions").
const integrationType = "application/vnd.awslambda.http-integration-response"

// exchange is one event's request and the server's answer.
type exchange struct {
	request  *request
	response *http.Response
	cancel   context.CancelFunc
}

// exchange asks the server; its answer's body is still to be read. A process
// that ends closes its connection, and what it had written before is read.
func (s *server) exchange(session *environment.Session, e *environment.Event) (*exchange, error) {
	r, err := readEvent(e.Payload)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	if s.set.AuthorizationSource != "" && len(r.header[s.set.AuthorizationSource]) == 0 {
		session.Log(strconv.Quote(s.set.AuthorizationSource) + " header not found in request headers")
	}
	res, err := s.transport.RoundTrip(r.http(ctx, s, e, session.LogStream()))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("the request to the server at %s failed: %w", s.address(), err)
	}
	return &exchange{request: r, response: res, cancel: cancel}, nil
}

func (x *exchange) close() {
	_ = x.response.Body.Close()
	x.cancel()
}

// abort makes the body's reader fail.
func (x *exchange) abort() { x.cancel() }

// failure is the message of a status that AWS_LWA_ERROR_STATUS_CODES lists.
func (x *exchange) failure() string {
	body, _ := readUpTo(x.response.Body, environment.MaxResponse)
	return `{"statusCode":` + strconv.Itoa(x.response.StatusCode) + `,"body":` + quote(strings.ToValidUTF8(string(body), "\uFFFD")) + `}`
}

// stream is the result in response_stream mode: the prelude, then the body as
// it comes. A header with several values is a JSON array, as Rust's Lambda
// client writes it.
func (x *exchange) stream() io.Reader {
	var b bytes.Buffer
	b.WriteString(`{"statusCode":`)
	b.WriteString(strconv.Itoa(x.response.StatusCode))
	b.WriteString(`,"headers":{`)
	first := true
	for _, name := range headerNames(x.response.Header) {
		if name == "Set-Cookie" {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		b.WriteString(quote(strings.ToLower(name)) + ":")
		if values := x.response.Header[name]; len(values) == 1 {
			b.WriteString(quote(values[0]))
		} else {
			b.WriteString(quoteAll(values))
		}
	}
	b.WriteString(`},"cookies":` + quoteAll(x.response.Header["Set-Cookie"]) + `}`)
	b.Write(make([]byte, 8))
	return &prefixed{prefix: b.Bytes(), body: x.response.Body}
}

// prefixed reads a prefix and then a body, and with the prefix never waits for
// the body.
type prefixed struct {
	prefix []byte
	body   io.Reader
}

func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.prefix) > 0 {
		n := copy(b, p.prefix)
		p.prefix = p.prefix[n:]
		return n, nil
	}
	return p.body.Read(b)
}

// buffered is the result in buffered mode, in the form that the event's origin
// expects; its body is whole.
func (x *exchange) buffered(compress bool) (io.Reader, error) {
	body, err := readUpTo(x.response.Body, environment.MaxResponse)
	if err != nil {
		return nil, fmt.Errorf("reading the server's answer: %w", err)
	}
	h := x.response.Header
	h.Del("Transfer-Encoding")
	if compress {
		body = x.compress(body)
	}
	text, isText := asText(h, body)
	if x.request.origin == passThrough {
		if !isText || !json.Valid([]byte(text)) {
			text = "null"
		}
		return strings.NewReader(text), nil
	}
	if !isText {
		text = base64.StdEncoding.EncodeToString(body)
	}
	return bytes.NewReader(x.result(text, !isText)), nil
}

// result writes the members of each form in the order in which Rust's client
// has them.
func (x *exchange) result(body string, isBase64 bool) []byte {
	h := x.response.Header
	var b bytes.Buffer
	b.WriteString(`{"statusCode":` + strconv.Itoa(x.response.StatusCode))
	switch x.request.origin {
	case payloadV2:
		writeHeaders(&b, h, true)
		b.WriteString(`,"multiValueHeaders":{}`)
	case loadBalancer:
		status := strconv.Itoa(x.response.StatusCode) + " " + http.StatusText(x.response.StatusCode)
		b.WriteString(`,"statusDescription":` + quote(status))
		writeHeaders(&b, h, false)
		writeMultiHeaders(&b, h)
	default:
		b.WriteString(`,"headers":{}`)
		writeMultiHeaders(&b, h)
	}
	if body != "" {
		b.WriteString(`,"body":` + quote(body))
	}
	b.WriteString(`,"isBase64Encoded":` + strconv.FormatBool(isBase64 && body != ""))
	if x.request.origin == payloadV2 {
		b.WriteString(`,"cookies":` + quoteAll(h["Set-Cookie"]))
	}
	b.WriteByte('}')
	return b.Bytes()
}

// writeHeaders writes each header once. Payload 2.0 has its repeated values
// joined, and cookies elsewhere.
func writeHeaders(b *bytes.Buffer, h http.Header, v2 bool) {
	b.WriteString(`,"headers":{`)
	first := true
	for _, name := range headerNames(h) {
		if v2 && name == "Set-Cookie" {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		value := h[name][0]
		if v2 {
			value = strings.Join(h[name], ",")
		}
		b.WriteString(quote(strings.ToLower(name)) + ":" + quote(value))
	}
	b.WriteByte('}')
}

func writeMultiHeaders(b *bytes.Buffer, h http.Header) {
	b.WriteString(`,"multiValueHeaders":{`)
	for i, name := range headerNames(h) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(strings.ToLower(name)) + ":" + quoteAll(h[name]))
	}
	b.WriteByte('}')
}

func headerNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name, values := range h {
		if len(values) > 0 {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// textTypes and textSuffixes are the content types whose bodies stay text
// (aws-lambda-rust-runtime, lambda-http/src/response.rs).
var (
	textTypes    = []string{"text", "application/json", "application/javascript", "application/xml", "application/yaml"}
	textSuffixes = []string{"+xml", "+yaml", "+json"}
)

// asText is a body as text, when its headers say that it is.
func asText(h http.Header, body []byte) (string, bool) {
	if h.Get("Content-Encoding") != "" {
		return "", false
	}
	contentType := h.Get("Content-Type")
	isText := contentType == ""
	for _, t := range textTypes {
		isText = isText || strings.HasPrefix(contentType, t)
	}
	plain, _, _ := strings.Cut(strings.TrimSpace(contentType), ";")
	for _, s := range textSuffixes {
		isText = isText || strings.HasSuffix(plain, s)
	}
	if !isText {
		return "", false
	}
	if utf8.Valid(body) {
		return string(body), true
	}
	_, parameters, _ := mime.ParseMediaType(contentType)
	switch strings.ToLower(parameters["charset"]) {
	case "iso-8859-1", "latin1", "windows-1252", "us-ascii", "ascii":
		runes := make([]rune, len(body))
		for i, c := range body {
			runes[i] = rune(c)
		}
		return string(runes), true
	}
	return strings.ToValidUTF8(string(body), "\uFFFD"), true
}

// compress compresses an answer as tower-http's default says: not small ones,
// images, streams of events or what is compressed already. Of the adapter's
// three encodings Suiro has two; br is not among them.
func (x *exchange) compress(body []byte) []byte {
	h := x.response.Header
	contentType := h.Get("Content-Type")
	image := strings.HasPrefix(contentType, "image/") && !strings.HasPrefix(contentType, "image/svg+xml")
	if len(body) < 32 || image || h.Get("Content-Encoding") != "" || h.Get("Content-Range") != "" ||
		strings.HasPrefix(contentType, "application/grpc") || strings.HasPrefix(contentType, "text/event-stream") {
		return body
	}
	encoding := acceptedEncoding(strings.Join(x.request.header["accept-encoding"], ","))
	if encoding == "" {
		return body
	}
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if encoding == "deflate" {
		w = zlib.NewWriter(&b)
	}
	_, _ = w.Write(body) // to memory
	_ = w.Close()
	h.Set("Content-Encoding", encoding)
	h.Add("Vary", "accept-encoding")
	h.Del("Content-Length")
	h.Del("Accept-Ranges")
	return b.Bytes()
}

// acceptedEncoding is the encoding a client likes best, of those there are.
func acceptedEncoding(accept string) string {
	best, quality := "", 0.0
	for part := range strings.SplitSeq(accept, ",") {
		name, parameters, _ := strings.Cut(strings.TrimSpace(part), ";")
		name = strings.ToLower(strings.TrimSpace(name))
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(v, 64); err != nil {
				continue
			}
		}
		if (name == "gzip" || name == "deflate") && (q > quality || q == quality && q > 0 && name == "gzip") {
			best, quality = name, q
		}
	}
	return best
}

// readUpTo reads a body, and one byte past the limit of one that is too large:
// the environment refuses the result then.
func readUpTo(r io.Reader, limit int) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, int64(limit)+1))
}

// quote is a JSON string with the characters of HTML as they are.
func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // strings always encode
	return strings.TrimSuffix(b.String(), "\n")
}

func quoteAll(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}
