//go:build !race

package websocketapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// What a message may allocate on its way in and what a push may on its way
// out: raise a number only with a reason. A message to a function counts
// without the function, a push without net/http.
func TestAllocationBudget(t *testing.T) {
	api, client, r, _ := benchmark(t)
	for route, most := range map[string]float64{"ping": 4, "fn": 23} {
		frame := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(`{"action":"` + route + `","data":"hello"}`))))
		answer := make([]byte, 2+len("pong"))
		n := testing.AllocsPerRun(500, func() {
			if _, err := client.Write(frame); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(r, answer); err != nil {
				t.Fatal(err)
			}
		})
		if n > most {
			t.Errorf("a message to %s: %v allocations, %v are allowed", route, n, most)
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); _, _ = io.Copy(io.Discard, r) }()
	body := strings.NewReader("")
	request := httptest.NewRequest("POST", "/dev/@connections/"+api.connections()[0].id, body)
	w := &discard{header: http.Header{}}
	n := testing.AllocsPerRun(500, func() {
		body.Reset("hello")
		api.ServeHTTP(w, request)
	})
	if most := 12.0; n > most {
		t.Errorf("a push: %v allocations, %v are allowed", n, most)
	}
	_ = client.Close()
	<-done
}
