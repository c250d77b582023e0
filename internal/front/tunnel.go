package front

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/journal"
)

// dialTimeout bounds how long a CONNECT waits for the other end.
const dialTimeout = 10 * time.Second

// ProxyEnv is what a process whose SDKs know no endpoint variable needs (old
// aws-sdk-go and boto3, code that names amazonaws.com hosts itself): the AWS
// endpoint as its proxy for HTTPS. Hosts that endpoints stand for end here;
// everything else passes through untouched. Programs that read no proxy
// variable are not helped by it; the runtime clients for Node.js, Python and
// Ruby hook their connections instead.
func (f *Front) ProxyEnv(aws *Listener) map[string]string {
	local := "localhost,127.0.0.1,::1"
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		if own := os.Getenv(name); own != "" {
			local += "," + own
			break
		}
	}
	proxy := aws.URL("http")
	return map[string]string{"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": local, "no_proxy": local}
}

// tunnel answers CONNECT on the AWS endpoint. A host that an endpoint stands
// for is that endpoint's own port, where its certificate names the host; an
// AWS host that nobody here stands for is the AWS endpoint's too, which refuses
// the call in AWS's words, unless the setting lets it pass; other hosts are reached as they are,
// through the user's own proxy where there is one.
func (f *Front) tunnel(w http.ResponseWriter, r *http.Request, aws *Listener) {
	host := strings.ToLower(stripPort(r.Host))
	address := r.Host
	if l := f.byHost(host); l != nil {
		address = fmt.Sprintf("127.0.0.1:%d", l.Port())
	} else if f.config.Host == "" && f.refuses(host) {
		address = fmt.Sprintf("127.0.0.1:%d", aws.Port())
	} else if reason := f.unreachable(host); reason != "" {
		f.config.Journal.Publish(journal.Entry{Kind: journal.Refused, Method: r.Method, Path: r.Host,
			Status: http.StatusForbidden, Text: reason, Err: reason})
		awsapi.WriteError(w, &awsapi.Error{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: reason}, awsapi.RESTJSON)
		return
	}
	there, err := f.reach(r.Context(), address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	join(here, buffered.Reader, there)
}

// unreachable says why a host cannot be reached through the tunnel, or "".
func (f *Front) unreachable(host string) string {
	if f.config.Host != "" {
		return "Suiro is no proxy for other machines"
	}
	if f.config.Elsewhere == Local && !localName(host) {
		return "the app calls " + host + ", which is not on this machine (aws: local)"
	}
	return ""
}

// reach connects to address, through the proxy that the user's environment
// names for it, if any.
func (f *Front) reach(ctx context.Context, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var d net.Dialer
	proxy, _ := http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: address}})
	if proxy == nil || proxy.Scheme != "http" {
		return d.DialContext(ctx, "tcp", address)
	}
	conn, err := d.DialContext(ctx, "tcp", proxy.Host)
	if err != nil {
		return nil, fmt.Errorf("reaching the proxy: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", address, address); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("asking the proxy: %w", err)
	}
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 1024), &http.Request{Method: http.MethodConnect})
	if err != nil || res.StatusCode != http.StatusOK {
		_ = conn.Close()
		return nil, fmt.Errorf("the proxy refused %s", address)
	}
	return conn, nil
}

// join copies both ways until both sides are done. The handler's goroutine
// is the owner of both copies.
func join(here net.Conn, fromHere io.Reader, there net.Conn) {
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(there, fromHere)
		closeWrite(there)
	})
	_, _ = io.Copy(here, there)
	closeWrite(here)
	// The client may keep its half open for ever; the server's end ends both.
	_ = here.SetReadDeadline(time.Now().Add(time.Second))
	both.Wait()
	_ = here.Close()
	_ = there.Close()
}

func closeWrite(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}
