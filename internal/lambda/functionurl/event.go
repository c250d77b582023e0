package functionurl

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"mime"
	"net"
	"net/http"
	neturl "net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// payload is the event of a call: payload format 2.0 as function URLs send it,
// members in AWS's order, written straight into a buffer. What a request has
// not is left out (Developer Guide, "Invoking Lambda function URLs"; recorded
// events in aws-lambda-go's lambdaurl tests).
func (c *call) payload(body []byte) []byte {
	path, query := requestTarget(c.r)
	sourceIP := sourceOf(c.r)
	b := make([]byte, 0, 1536+len(body)+len(body)/2)
	b = jsonwrite.String(append(b, `{"version":"2.0","routeKey":"$default","rawPath":`...), path)
	b = jsonwrite.String(append(b, `,"rawQueryString":`...), query)
	if cookies := splitCookies(c.r.Header["Cookie"]); len(cookies) > 0 {
		b = append(b, `,"cookies":[`...)
		for i, cookie := range cookies {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsonwrite.String(b, cookie)
		}
		b = append(b, ']')
	}
	b = appendObject(append(b, `,"headers":`...), c.headers(sourceIP, body))
	if parameters := queryParameters(query); len(parameters) > 0 {
		b = appendObject(append(b, `,"queryStringParameters":`...), parameters)
	}
	b = c.appendContext(append(b, `,"requestContext":`...), path, sourceIP)
	encoded := false
	if len(body) > 0 {
		b = append(b, `,"body":`...)
		if isText(c.r.Header.Get("Content-Type")) && utf8.Valid(body) {
			b = jsonwrite.String(b, string(body))
		} else {
			encoded = true
			b = append(base64.StdEncoding.AppendEncode(append(b, '"'), body), '"')
		}
	}
	b = strconv.AppendBool(append(b, `,"isBase64Encoded":`...), encoded)
	return append(b, '}')
}

func (c *call) appendContext(b []byte, path, sourceIP string) []byte {
	account := "anonymous"
	if c.set.authType == authIAM {
		account = c.set.accountID
	}
	b = jsonwrite.String(append(b, `{"accountId":`...), account)
	b = jsonwrite.String(append(b, `,"apiId":`...), c.url.id)
	if c.set.authType == authIAM {
		b = jsonwrite.String(append(b, `,"authorizer":{"iam":{"accessKey":`...), c.caller.AccessKeyID)
		b = jsonwrite.String(append(b, `,"accountId":`...), c.caller.AccountID)
		b = jsonwrite.String(append(b, `,"callerId":`...), c.caller.UserID)
		b = jsonwrite.String(append(b, `,"cognitoIdentity":null,"principalOrgId":null,"userArn":`...), c.caller.ARN)
		b = jsonwrite.String(append(b, `,"userId":`...), c.caller.UserID)
		b = append(b, "}}"...)
	}
	b = jsonwrite.String(append(b, `,"domainName":`...), c.r.Host)
	b = jsonwrite.String(append(b, `,"domainPrefix":`...), c.url.id)
	b = jsonwrite.String(append(b, `,"http":{"method":`...), c.r.Method)
	b = jsonwrite.String(append(b, `,"path":`...), path)
	// HTTP/1.1 is all that clients of AWS's URLs get, so that events say
	// nothing else; here HTTP/2 is spoken too.
	b = jsonwrite.String(append(b, `,"protocol":"HTTP/1.1","sourceIp":`...), sourceIP)
	b = jsonwrite.String(append(b, `,"userAgent":`...), c.r.UserAgent())
	b = jsonwrite.String(append(b, `},"requestId":`...), c.requestID)
	b = append(b, `,"routeKey":"$default","stage":"$default","time":"`...)
	b = c.began.UTC().AppendFormat(b, "02/Jan/2006:15:04:05 +0000")
	b = strconv.AppendInt(append(b, `","timeEpoch":`...), c.began.UnixMilli(), 10)
	return append(b, '}')
}

// appendObject appends an object with its members in order.
func appendObject(b []byte, members map[string]string) []byte {
	names := make([]string, 0, 24)
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = jsonwrite.String(append(jsonwrite.String(b, name), ':'), members[name])
	}
	return append(b, '}')
}

// requestTarget is path and query as the client sent them: escapes are kept.
func requestTarget(r *http.Request) (path, query string) {
	path, query, _ = strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") { // the absolute form, as to a proxy
		path = r.URL.EscapedPath()
	}
	if path == "" {
		path = "/"
	}
	return path, query
}

func sourceOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// headers are the event's: lower case, repeated ones joined with a comma, with
// what AWS's front end adds. Scheme and port are the ones the client used here.
func (c *call) headers(sourceIP string, body []byte) map[string]string {
	out := make(map[string]string, len(c.r.Header)+8)
	for name, values := range c.r.Header {
		switch name {
		case "Connection":
			continue
		case "Authorization":
			if c.set.authType == authIAM {
				continue
			}
		case "Cookie":
			out["cookie"] = strings.Join(values, "; ")
			continue
		}
		out[lower(name)] = strings.Join(values, ",")
	}
	out["host"] = c.r.Host
	out["x-amzn-trace-id"] = c.trace.root
	if len(body) > 0 {
		out["content-length"] = strconv.Itoa(len(body))
	}
	out["x-forwarded-for"] = sourceIP
	if via := c.r.Header.Values("X-Forwarded-For"); len(via) > 0 {
		out["x-forwarded-for"] = strings.Join(via, ", ") + ", " + sourceIP
	}
	out["x-forwarded-proto"], out["x-forwarded-port"] = "http", "80"
	if t := c.r.TLS; t != nil {
		out["x-forwarded-proto"], out["x-forwarded-port"] = "https", "443"
		out["x-amzn-tls-version"] = strings.Replace(tls.VersionName(t.Version), "TLS ", "TLSv", 1)
		out["x-amzn-tls-cipher-suite"] = opensslName(tls.CipherSuiteName(t.CipherSuite))
	}
	if _, port, err := net.SplitHostPort(c.r.Host); err == nil {
		out["x-forwarded-port"] = port
	}
	return out
}

// lower is a header's name in lower case, for the usual ones without making it.
func lower(canonical string) string {
	if s, ok := lowered[canonical]; ok {
		return s
	}
	return strings.ToLower(canonical)
}

var lowered = func() map[string]string {
	m := make(map[string]string)
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Content-Length", "Content-Type", "Dnt",
		"Origin", "Referer", "User-Agent", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "X-Forwarded-For",
		"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site",
	} {
		m[name] = strings.ToLower(name)
	}
	return m
}()

// opensslName is a cipher suite as AWS writes it. The suites of TLS 1.3 have
// the same name everywhere.
func opensslName(name string) string {
	exchange, cipher, ok := strings.Cut(strings.TrimPrefix(name, "TLS_"), "_WITH_")
	if !ok {
		return name
	}
	cipher = strings.NewReplacer("AES_128_", "AES128_", "AES_256_", "AES256_", "_CBC_", "_", "CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305").Replace(cipher)
	return strings.ReplaceAll(exchange+"_"+cipher, "_", "-")
}

// splitCookies lists single cookies; nil when there are none.
func splitCookies(lines []string) []string {
	var out []string
	for _, line := range lines {
		for c := range strings.SplitSeq(line, ";") {
			if c = strings.TrimSpace(c); c != "" {
				out = append(out, c)
			}
		}
	}
	return out
}

// queryParameters decodes a query; the values of a repeated name are joined
// with a comma. What cannot be decoded stays as it is.
func queryParameters(query string) map[string]string {
	if query == "" {
		return nil
	}
	out := make(map[string]string)
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = unescape(name), unescape(value)
		if before, repeated := out[name]; repeated {
			value = before + "," + value
		}
		out[name] = value
	}
	return out
}

func unescape(s string) string {
	if plain, err := neturl.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// isText tells whether a body of a content type is text in the event; all
// others are base64, also forms and bodies without a type.
func isText(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil && t == "" {
		return false
	}
	switch t {
	case "application/json", "application/javascript", "application/xml":
		return true
	}
	return strings.HasPrefix(t, "text/") || strings.HasSuffix(t, "+json") || strings.HasSuffix(t, "+xml")
}

// trace is a request's X-Amzn-Trace-Id in its three spellings.
type trace struct {
	root     string // for the event's header: Root=…
	whole    string // for the function: Root=…;Parent=…;Sampled=0
	answered string // for the client: root=…;parent=…;sampled=0
}

// newTrace goes on with the client's trace, or begins one that is not sampled.
func newTrace(given string, now time.Time) trace {
	var random [20]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	root := "1-" + strconv.FormatInt(now.Unix(), 16) + "-" + hex.EncodeToString(random[:12])
	parent, sampled := hex.EncodeToString(random[12:]), "0"
	for part := range strings.SplitSeq(given, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch strings.ToLower(name) {
		case "root":
			root = value
		case "parent":
			parent = value
		case "sampled":
			if value == "1" {
				sampled = value
			}
		}
	}
	t := trace{root: "Root=" + root, whole: "Root=" + root + ";Parent=" + parent + ";Sampled=" + sampled}
	if given != "" {
		t.root = given
	}
	t.answered = "root=" + root + ";parent=" + parent + ";sampled=" + sampled
	return t
}
