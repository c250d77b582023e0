package front

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/journal"
)

// routeByHost serves a request on the AWS endpoint: the endpoint whose host
// name it carries, else the AWS API itself.
func (f *Front) routeByHost(w http.ResponseWriter, r *http.Request, aws *Listener) {
	if r.Method == http.MethodConnect {
		f.tunnel(w, r, aws)
		return
	}
	if l := f.byHost(r.Host); l != nil && l != aws {
		l.endpoint.Handler.ServeHTTP(w, r)
		return
	}
	if r.URL.Scheme == "http" && f.isElsewhere(r.Host, aws) {
		f.forward(w, r, aws)
		return
	}
	if reason := f.misdirected(stripPort(r.Host)); reason != "" {
		f.config.Journal.Publish(journal.Entry{Kind: journal.Refused, Resource: aws.endpoint.Resource, Method: r.Method,
			Path: r.URL.Path, Status: http.StatusMisdirectedRequest, Text: reason})
		awsapi.WriteError(w, &awsapi.Error{Status: http.StatusMisdirectedRequest, Code: "MisdirectedRequest", Message: reason},
			awsapi.ProtocolOf(r))
		return
	}
	aws.endpoint.Handler.ServeHTTP(w, r)
}

// Hosts are the AWS host names that endpoints stand for, and their ports: what
// a process needs to find here what code in it calls by its AWS name.
func (f *Front) Hosts() map[string]int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	ports := make(map[string]int, len(f.hosts))
	for name, l := range f.hosts {
		ports[name] = l.Port()
	}
	return ports
}

// endpointHosts end the host names that AWS gives to single APIs, functions
// and distributions.
var endpointHosts = []string{
	".execute-api.", ".lambda-url.", ".cloudfront.", ".appsync-api.", ".appsync-realtime-api.", ".awsapprunner.",
}

// misdirected says why a host name cannot be served, or "". An API that Suiro
// does not run is named. A name that no client on this machine has a reason
// to use is refused while we listen on loopback: a web page can make its own
// name resolve to 127.0.0.1 (DNS rebinding) and must not reach the AWS API.
func (f *Front) misdirected(host string) string {
	host = strings.ToLower(host)
	if endpointName(host) {
		return fmt.Sprintf("Suiro runs no endpoint named %s", host)
	}
	if f.config.Host != "" || localName(host) {
		return ""
	}
	if slices.ContainsFunc(ownSuffixes, func(suffix string) bool { return strings.HasSuffix(host, suffix) }) {
		return ""
	}
	return fmt.Sprintf("%s is no name of Suiro's AWS endpoint; use localhost", host)
}

// ownSuffixes end the names under which clients call the AWS endpoint.
var ownSuffixes = []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".docker.internal"}

func endpointName(host string) bool {
	return slices.ContainsFunc(endpointHosts, func(part string) bool { return strings.Contains(strings.ToLower(host)+".", part) })
}

// localName tells whether a name can only mean a machine nearby: localhost
// and what is under it, an address, a name without dots (a container, a host).
func localName(host string) bool {
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost") || net.ParseIP(host) != nil
}

// Localize replaces AWS host names that endpoints stand for by their local
// authority, anywhere in a text: "https://{api}.execute-api.…/dev" becomes
// "https://localhost:3001/dev". The scheme stays, since every port speaks
// plaintext and TLS; a default port behind the name goes. Names without a
// scheme are replaced too, because some SDKs (JavaScript v2, Go v1) take an
// endpoint without one. Text without such a name is returned as it is.
func (f *Front) Localize(text string) string {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if len(f.hosts) == 0 || !strings.Contains(text, ".") {
		return text
	}
	var out strings.Builder
	done := 0
	for i := 0; i < len(text); {
		if !hostByte(text[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(text) && hostByte(text[end]) {
			end++
		}
		name := strings.TrimRight(text[i:end], ".-")
		port, isDefault := portAfter(text[i+len(name):])
		if l := f.hosts[strings.ToLower(name)]; l != nil && isDefault && (i == 0 || text[i-1] != '@') {
			out.WriteString(text[done:i])
			out.WriteString(l.Authority())
			done = i + len(name) + port
		}
		i = end
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

func hostByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_'
}

// portAfter measures the port that rest begins with, 0 without one, and tells
// whether leaving it out changes nothing.
func portAfter(rest string) (length int, isDefault bool) {
	if !strings.HasPrefix(rest, ":") {
		return 0, true
	}
	digits := len(rest) - len(strings.TrimLeft(rest[1:], "0123456789"))
	switch rest[:digits] {
	case ":443", ":80":
		return digits, true
	case ":":
		return 0, true // punctuation
	}
	return digits, false
}
