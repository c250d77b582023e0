package functionurl

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net"
	"net/http"
	neturl "net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/awsapi"
)

// event is payload format 2.0 as function URLs send it, members in AWS's
// order. What a request has not is left out (Developer Guide, "Invoking Lambda
// function URLs"; recorded events in aws-lambda-go's lambdaurl tests).
type event struct {
	Version  string            `json:"version"`
	RouteKey string            `json:"routeKey"`
	RawPath  string            `json:"rawPath"`
	RawQuery string            `json:"rawQueryString"`
	Cookies  []string          `json:"cookies,omitempty"`
	Headers  map[string]string `json:"headers"`
	Query    map[string]string `json:"queryStringParameters,omitempty"`
	Context  requestContext    `json:"requestContext"`
	Body     string            `json:"body,omitempty"`
	IsBase64 bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID    string      `json:"accountId"`
	APIID        string      `json:"apiId"`
	Authorizer   *authorizer `json:"authorizer,omitempty"`
	DomainName   string      `json:"domainName"`
	DomainPrefix string      `json:"domainPrefix"`
	HTTP         httpContext `json:"http"`
	RequestID    string      `json:"requestId"`
	RouteKey     string      `json:"routeKey"`
	Stage        string      `json:"stage"`
	Time         string      `json:"time"`
	TimeEpoch    int64       `json:"timeEpoch"`
}

type authorizer struct {
	IAM iamContext `json:"iam"`
}

type iamContext struct {
	AccessKey       string  `json:"accessKey"`
	AccountID       string  `json:"accountId"`
	CallerID        string  `json:"callerId"`
	CognitoIdentity *string `json:"cognitoIdentity"`
	PrincipalOrgID  *string `json:"principalOrgId"`
	UserARN         string  `json:"userArn"`
	UserID          string  `json:"userId"`
}

type httpContext struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// defaultRoute stands where HTTP APIs name their route and stage.
const defaultRoute = "$default"

// payload is the event of a call.
func (c *call) payload(body []byte) ([]byte, error) {
	path, query := requestTarget(c.r)
	sourceIP := sourceOf(c.r)
	e := event{
		Version: "2.0", RouteKey: defaultRoute, RawPath: path, RawQuery: query,
		Cookies: splitCookies(c.r.Header["Cookie"]), Headers: c.headers(sourceIP, body), Query: queryParameters(query),
		Context: requestContext{
			AccountID: "anonymous", APIID: c.url.id, DomainName: c.r.Host, DomainPrefix: c.url.id,
			// HTTP/1.1 is all that clients of AWS's URLs get, so that events
			// say nothing else; here HTTP/2 is spoken too.
			HTTP:      httpContext{c.r.Method, path, "HTTP/1.1", sourceIP, c.r.UserAgent()},
			RequestID: c.requestID, RouteKey: defaultRoute, Stage: defaultRoute,
			Time: c.began.UTC().Format("02/Jan/2006:15:04:05 +0000"), TimeEpoch: c.began.UnixMilli(),
		},
	}
	if c.set.authType == authIAM {
		e.Context.AccountID = c.set.accountID
		e.Context.Authorizer = authorizerOf(c.caller)
	}
	if len(body) > 0 {
		if isText(c.r.Header.Get("Content-Type")) && utf8.Valid(body) {
			e.Body = string(body)
		} else {
			e.Body, e.IsBase64 = base64.StdEncoding.EncodeToString(body), true
		}
	}
	var b bytes.Buffer
	b.Grow(len(e.Body) + 1024)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func authorizerOf(c awsapi.Caller) *authorizer {
	return &authorizer{IAM: iamContext{AccessKey: c.AccessKeyID, AccountID: c.AccountID, CallerID: c.UserID, UserARN: c.ARN, UserID: c.UserID}}
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
		out[strings.ToLower(name)] = strings.Join(values, ",")
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
