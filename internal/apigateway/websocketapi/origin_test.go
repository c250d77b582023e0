package websocketapi

import (
	"fmt"
	"testing"
)

func TestConnectionsOfOneClientShareTheirOrigin(t *testing.T) {
	f := newFixture(t, map[string]function{})
	w := whence{stage: "dev", domain: "localhost:3001", sourceIP: "192.0.2.1", userAgent: "x", hasUserAgent: true}
	first := f.api.origin(w)
	if f.api.origin(w) != first {
		t.Error("the same client has two origins")
	}
	for i := range 3 * maxOrigins {
		w.userAgent = fmt.Sprint(i)
		if o := f.api.origin(w); o.userAgent != w.userAgent || o.meters != first.meters || o.api != f.api {
			t.Fatalf("client %d has the origin %+v", i, o.whence)
		}
		if n := len(f.api.origins); n > maxOrigins {
			t.Fatalf("%d origins are kept", n)
		}
	}
}
