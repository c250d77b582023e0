package front

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/journal"
)

// Code that names AWS hosts itself reaches the endpoints that stand for them
// through the proxy, with TLS from end to end; other hosts are left alone.
func TestTunnelEndsHostsThatEndpointsStandFor(t *testing.T) {
	j := new(journal.Journal)
	f, err := New(Config{CADir: t.TempDir(), FirstPort: 39500, Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close(context.Background())
	answer := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, text+" "+r.Host) })
	}
	aws, err := f.Open(context.Background(), Endpoint{Resource: "aws", Kind: KindAWS, Handler: answer("aws"), Hosts: []string{"dynamodb.eu-west-1.amazonaws.com"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Open(context.Background(), Endpoint{Resource: "Chat", Kind: "websocket", Handler: answer("chat"), Hosts: []string{"abc.execute-api.eu-west-1.amazonaws.com"}}); err != nil {
		t.Fatal(err)
	}
	elsewhere := httptest.NewTLSServer(answer("elsewhere"))
	defer elsewhere.Close()

	env := f.ProxyEnv(aws)
	proxy, err := url.Parse(env["HTTPS_PROXY"])
	if err != nil || !strings.Contains(env["NO_PROXY"], "localhost") {
		t.Fatalf("environment %v", env)
	}
	pem, err := os.ReadFile(f.CA().CertFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	roots.AddCert(elsewhere.Certificate())
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}

	for _, c := range []struct{ url, want string }{
		{"https://dynamodb.eu-west-1.amazonaws.com/", "aws dynamodb.eu-west-1.amazonaws.com"},
		{"https://abc.execute-api.eu-west-1.amazonaws.com/dev", "chat abc.execute-api.eu-west-1.amazonaws.com"},
		{elsewhere.URL, "elsewhere " + strings.TrimPrefix(elsewhere.URL, "https://")},
	} {
		res, err := client.Get(c.url)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != c.want {
			t.Errorf("%s gives %q", c.url, body)
		}
	}
	res, err := client.Get("https://sqs.eu-west-1.amazonaws.com/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if string(body) != "aws sqs.eu-west-1.amazonaws.com" {
		t.Errorf("a service that does not run here: %q", body)
	}
}

// What does not run here is refused by the AWS endpoint in AWS's words, let
// through, or refused with everything else that is not on this machine.
func TestElsewhereIsOneSetting(t *testing.T) {
	for _, c := range []struct {
		setting Elsewhere
		host    string
		ends    bool // at the AWS endpoint
		refused string
	}{
		{"", "sqs.eu-west-1.amazonaws.com", true, ""},
		{"", "bucket.s3.amazonaws.com", true, ""},
		{"", "example.com", false, ""},
		{Passthrough, "sqs.eu-west-1.amazonaws.com", false, ""},
		{Local, "sqs.eu-west-1.amazonaws.com", true, ""},
		{Local, "example.com", false, "the app calls example.com, which is not on this machine (aws: local)"},
		{Local, "127.0.0.1", false, ""},
	} {
		f := &Front{config: Config{Elsewhere: c.setting}, hosts: map[string]*Listener{}}
		if got := f.refuses(c.host); got != c.ends {
			t.Errorf("%q: %s ends here: %v", c.setting, c.host, got)
		}
		if got := f.unreachable(c.host); !c.ends && got != c.refused {
			t.Errorf("%q: %s is refused with %q", c.setting, c.host, got)
		}
	}
}

// A client with one proxy for both schemes (Java's system properties) sends
// its plain HTTP with whole URLs. A web page cannot: its requests name no
// scheme, and a name of its own stays refused.
func TestPlainHTTPIsForwarded(t *testing.T) {
	j := new(journal.Journal)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "elsewhere "+r.Host+r.URL.RequestURI())
	}))
	defer elsewhere.Close()
	for setting, beyond := range map[Elsewhere]int{Deny: http.StatusBadGateway, Local: http.StatusForbidden} {
		f, err := New(Config{CADir: t.TempDir(), FirstPort: 39600, Journal: j, Elsewhere: setting})
		if err != nil {
			t.Fatal(err)
		}
		aws, err := f.Open(context.Background(), Endpoint{Resource: "aws", Kind: KindAWS, Handler: http.NotFoundHandler()})
		if err != nil {
			t.Fatal(err)
		}
		proxy, _ := url.Parse(aws.URL("http"))
		transport := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return proxy, nil }}
		res, err := (&http.Client{Transport: transport}).Get(elsewhere.URL + "/a?b=c")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if want := "elsewhere " + strings.TrimPrefix(elsewhere.URL, "http://") + "/a?b=c"; string(body) != want {
			t.Errorf("%v: %d %s, want %s", setting, res.StatusCode, body, want)
		}
		if res, err = (&http.Client{Transport: transport}).Get("http://nowhere.invalid/"); err != nil || res.StatusCode != beyond {
			t.Errorf("%v: a name beyond this machine: %v %v", setting, res, err)
		}
		res.Body.Close()
		req, _ := http.NewRequest("GET", aws.URL("http")+"/", nil)
		req.Host = "page.example.com"
		if res, err = http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("a name that is nobody's: %v %v", res, err)
		}
		res.Body.Close()
		transport.CloseIdleConnections()
		f.Close(context.Background())
	}
}
