package front

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/awsapi"
	"github.com/suiro-dev/suiro/internal/journal"
)

// forward passes on a request that a client sent here as to a proxy, with a
// whole URL in its first line (RFC 9112, 3.2.2): a client that has one proxy
// setting for both schemes sends its plain HTTP too. The tunnel's rules hold.
func (f *Front) forward(w http.ResponseWriter, r *http.Request, aws *Listener) {
	if reason := f.unreachable(stripPort(r.Host)); reason != "" {
		f.config.Journal.Publish(journal.Entry{Kind: journal.Refused, Resource: aws.endpoint.Resource, Method: r.Method,
			Path: r.Host, Status: http.StatusForbidden, Text: reason, Err: reason})
		awsapi.WriteError(w, &awsapi.Error{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: reason}, awsapi.RESTJSON)
		return
	}
	proxy := httputil.ReverseProxy{
		Rewrite:       func(*httputil.ProxyRequest) {}, // the URL is whole already
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		},
	}
	proxy.ServeHTTP(w, r)
}

// isElsewhere tells whether an authority is neither the AWS endpoint's own nor
// a name of AWS's, which it answers for.
func (f *Front) isElsewhere(authority string, aws *Listener) bool {
	host := strings.ToLower(stripPort(authority))
	if localName(host) {
		return !strings.HasSuffix(authority, fmt.Sprintf(":%d", aws.Port()))
	}
	return !endpointName(host) && !slices.ContainsFunc(ownSuffixes, func(suffix string) bool { return strings.HasSuffix(host, suffix) })
}
