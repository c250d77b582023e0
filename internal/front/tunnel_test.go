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
	entries := j.Subscribe(10)
	defer entries.Close()
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
	if _, err := client.Get("https://sqs.eu-west-1.amazonaws.com/"); err == nil {
		t.Error("a service that does not run here was reached")
	}
	if e := <-entries.Entries(); e.Kind != journal.Refused || !strings.Contains(e.Text, "sqs.eu-west-1.amazonaws.com") {
		t.Errorf("told %+v", e)
	}
}
