package command

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/node"
)

// What a person sees for each thing that happens.
func TestOneLineForEachThingThatHappens(t *testing.T) {
	at := time.Date(2026, 1, 2, 15, 4, 5, 678e6, time.UTC)
	for _, c := range []struct {
		entry journal.Entry
		want  string
	}{
		{journal.Entry{Kind: journal.Connected, ConnectionID: "c=", Function: "chat-connect", Duration: 12 * time.Millisecond}, "15:04:05.678  connect  c= → chat-connect 12 ms"},
		{journal.Entry{Kind: journal.Message, ConnectionID: "c=", Route: "send", Function: "chat-send", Duration: 4100 * time.Microsecond}, "15:04:05.678  message  c= send → chat-send 4.1 ms"},
		{journal.Entry{Kind: journal.Message, ConnectionID: "c=", Route: "send", Function: "f", Err: "no"}, "15:04:05.678  message  c= send → f  no"},
		{journal.Entry{Kind: journal.Pushed, ConnectionID: "d=", Bytes: 5}, "15:04:05.678  push     d= 5 B"},
		{journal.Entry{Kind: journal.Disconnected, ConnectionID: "c=", Status: 1001, Text: "Going away"}, "15:04:05.678  close    c= 1001 Going away"},
		{journal.Entry{Kind: journal.Refused, Status: 403, Method: "GET", Path: "/dev"}, "15:04:05.678  refuse   403 GET /dev"},
		{journal.Entry{Kind: journal.Answered, Method: "GET", Path: "/a", Status: 200, Function: "f", Bytes: 5, Duration: time.Second}, "15:04:05.678  http     GET /a 200 → f 5 B 1.0 s"},
		{journal.Entry{Kind: journal.Answered, Method: "GET", Path: "/", Function: "f", Err: "the client went away"}, "15:04:05.678  http     GET / → f 0 B  the client went away"},
		{journal.Entry{Kind: journal.Logged, Function: "f", RequestID: "7c9e6679-1", Stream: "stdout", Text: "a\x00b\x07\xff"}, "15:04:05.678  f 7c9e6679 │ a·b··"},
		{journal.Entry{Kind: journal.Logged, Function: "f", RequestID: "db961717-2121-45aa-8716-e0e21c5eb5af", Text: "2026-11-21T02:59:24.596Z\tdb961717-2121-45aa-8716-e0e21c5eb5af\tINFO\thi { a: 1 }"}, "15:04:05.678  f db961717 │ hi { a: 1 }"},
		{journal.Entry{Kind: journal.Logged, Function: "f", RequestID: "db961717-2121-45aa-8716-e0e21c5eb5af", Text: "[ERROR]\t2026-11-21T02:59:24.596Z\tdb961717-2121-45aa-8716-e0e21c5eb5af\tno"}, "15:04:05.678  f db961717 │ ERROR no"},
		{journal.Entry{Kind: journal.Logged, Function: "f", Stream: "platform", Text: "START"}, ""},
		{journal.Entry{Kind: journal.Invoked, Function: "f", Duration: time.Second}, ""},
		{journal.Entry{Kind: journal.Changed, Text: "reloaded template.yaml"}, "15:04:05.678  change   reloaded template.yaml"},
		{journal.Entry{Kind: journal.Requested, Method: "dynamodb:Scan"}, ""},
	} {
		var out bytes.Buffer
		p := newPrinter(&cli{stdout: &out, stderr: &out}, false)
		c.entry.Time = at
		p.entry(c.entry)
		if got := strings.TrimSuffix(out.String(), "\n"); strings.TrimRight(got, " ") != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

func TestTheReadyLineComesFirstInJSON(t *testing.T) {
	var out, errs bytes.Buffer
	p := newPrinter(&cli{stdout: &out, stderr: &errs}, true)
	p.entry(journal.Entry{Kind: journal.Progress, Text: "building f"})
	p.entry(journal.Entry{Kind: journal.Started, Function: "f"})
	p.ready(node.Ready{Type: "ready"}, time.Second)
	p.entry(journal.Entry{Kind: journal.Pushed})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{`"type":"ready"`, `"type":"progress"`, `"type":"start"`, `"type":"push"`} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Fatalf("line %d is not %s:\n%s", i, want, out.String())
		}
	}
	if !strings.Contains(errs.String(), "suiro: building f") {
		t.Errorf("stderr %q", errs.String())
	}
}
