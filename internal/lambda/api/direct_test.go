package api

import "testing"

func TestIsInvoke(t *testing.T) {
	for line, want := range map[string]bool{
		"POST /2015-03-31/functions/fn/invocations HTTP/1.1":                    true,
		"POST /2015-03-31/functions/fn%3Alive/invocations?Qualifier=a HTTP/1.1": true,
		"POST /2021-11-15/functions/fn/response-streaming-invocations HTTP/1.1": false,
		"GET /2015-03-31/functions/fn HTTP/1.1":                                 false,
		"POST / HTTP/1.1":                                                       false,
	} {
		if got := IsInvoke([]byte(line)); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}
