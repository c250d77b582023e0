package socket

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// A message is copied a few times while it grows, not for each of its frames.
func TestMessagesOfManySmallFramesCostTheirSize(t *testing.T) {
	d := &decoder{options: &Options{MaxMessage: 8 << 20}}
	const frames = 4 << 20 / 256
	grown := 0
	for i := range frames {
		op, flags := ws.OpContinuation, byte(more)
		if i == 0 {
			op = ws.OpText
		} else if i == frames-1 {
			flags = fin
		}
		for rest := frame(flags, op, strings.Repeat("x", 256)); len(rest) > 0; {
			had := d.message
			n := copy(d.space(), rest)
			d.filled(n)
			rest = rest[n:]
			if _, p, ok, fail := d.next(); fail != nil || ok && len(p) != 4<<20 || ok != (i == frames-1 && len(rest) == 0) {
				t.Fatalf("frame %d: %v %d bytes, %v", i, ok, len(p), fail)
			}
			if d.message != had {
				grown++
			}
		}
	}
	if grown > 20 {
		t.Errorf("the message grew %d times", grown)
	}
}

// mirror sends back what it gets, binary messages too, which API Gateway does
// not know.
type mirror struct{ echo }

func (*mirror) Message(c *Conn, data []byte, binary bool) {
	op := ws.OpText
	if binary {
		op = ws.OpBinary
	}
	b := borrow(len(data) + ws.MaxHeaderSize)
	b.b = append(appendHeader(b.b, op, len(data)), data...)
	_ = c.send(message{owned: b})
}

// The Autobahn test suite itself, cases 1 to 10; 12 and 13 are of compression,
// which is not negotiated. Its program needs Python 2, so that it runs only
// where AUTOBAHN names it: pip install autobahntestsuite, AUTOBAHN=…/bin/wstest.
// TestAutobahnCases has nearly all of them for everybody.
func TestAutobahn(t *testing.T) {
	program := os.Getenv("AUTOBAHN")
	if program == "" {
		t.Skip("AUTOBAHN names no wstest; it needs Python 2")
	}
	var serving sync.WaitGroup
	o := &Options{MaxMessage: 32 << 20, QueueBytes: 256 << 20, WriteTimeout: time.Minute}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := upgrade(w, r, nil, o); err == nil {
			serving.Go(func() { c.Serve(&mirror{}) })
		}
	}))
	defer serving.Wait()
	defer server.Close()
	dir := t.TempDir()
	spec, _ := json.Marshal(map[string]any{
		"options": map[string]any{"failByDrop": false}, "outdir": dir, "exclude-cases": []string{}, "exclude-agent-cases": map[string]any{},
		"servers": []any{map[string]any{"agent": "suiro", "url": "ws" + server.URL[len("http"):], "options": map[string]any{"version": 18}}},
		"cases":   []string{"1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"},
	})
	if err := os.WriteFile(filepath.Join(dir, "spec.json"), spec, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, program, "-m", "fuzzingclient", "-s", filepath.Join(dir, "spec.json")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report map[string]map[string]struct{ Behavior, BehaviorClose string }
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for name, c := range report["suiro"] {
		counts[c.Behavior]++
		// NON-STRICT: an answer that is right and came later or earlier than
		// the suite would have it. INFORMATIONAL: there is no right answer.
		if c.Behavior == "FAILED" || c.BehaviorClose == "FAILED" {
			t.Errorf("%s: %s, close %s", name, c.Behavior, c.BehaviorClose)
		}
	}
	t.Logf("%v", counts)
	if len(report["suiro"]) < 300 {
		t.Errorf("%d cases were run", len(report["suiro"]))
	}
}
