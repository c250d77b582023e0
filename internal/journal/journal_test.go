package journal

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"testing"
	"time"
)

func TestSlowSubscriberLosesEntriesAloneAndIsTold(t *testing.T) {
	var j Journal
	slow, fast := j.Subscribe(1), j.Subscribe(10)
	for range 4 {
		j.Publish(Entry{Kind: Message})
	}
	<-slow.Entries()
	j.Publish(Entry{Kind: Pushed})
	if e := <-slow.Entries(); e.Kind != Pushed || e.Dropped != 3 {
		t.Errorf("slow got %+v", e)
	}
	if n := len(fast.Entries()); n != 5 {
		t.Errorf("fast has %d entries", n)
	}
	slow.Close()
	slow.Close()
	fast.Close()
	if j.Active() {
		t.Error("still active")
	}
}

func TestNobodyListensCostsNothing(t *testing.T) {
	var j Journal
	if n := testing.AllocsPerRun(100, func() { j.Publish(Entry{Kind: Message}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	(*Journal)(nil).Publish(Entry{})
}

func TestReadersGetTheKindsTheyName(t *testing.T) {
	var j Journal
	pushes := j.Subscribe(4, Pushed)
	if !j.Wants(Pushed) || j.Wants(Message) || !j.Active() {
		t.Error("wants the wrong kinds")
	}
	all := j.Subscribe(4)
	if !j.Wants(Message) {
		t.Error("does not want all")
	}
	j.Publish(Entry{Kind: Message})
	j.Publish(Entry{Kind: Pushed})
	if a, p := len(all.Entries()), len(pushes.Entries()); a != 2 || p != 1 {
		t.Errorf("all got %d, pushes %d", a, p)
	}
	all.Close()
	if j.Wants(Message) || !j.Wants(Pushed) {
		t.Error("the wrong kinds after Close")
	}
	if n := testing.AllocsPerRun(100, func() { j.Publish(Entry{Kind: Message}) }); n != 0 {
		t.Errorf("%v allocations for a kind that nobody reads", n)
	}
	pushes.Close()
}

func FuzzJSON(f *testing.F) {
	f.Add("a\"b\\c\n\x00<&>", "\xff\u2028é", 1, int64(5))
	f.Add("", "plain", 0, int64(0))
	f.Fuzz(func(t *testing.T, text, other string, n int, d int64) {
		at := time.Unix(d&0xffffffff, int64(n)&0x3fffffff)
		e := Entry{
			Time: at, Kind: Kind(other), Resource: other, ConnectionID: other, RequestID: text, Function: text, Route: text,
			Method: other, Path: text, Status: n, Duration: time.Duration(d), Bytes: n, Stream: other, Text: text, Err: other, Dropped: n,
		}
		// The same members in the same order; texts may be escaped otherwise.
		want, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		got := e.AppendJSON(nil)
		if g, w := tokens(t, got), tokens(t, want); !slices.Equal(g, w) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func tokens(t *testing.T, data []byte) (out []json.Token) {
	t.Helper()
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		out = append(out, token)
	}
}

func TestAnEntryIsWrittenWithoutAllocations(t *testing.T) {
	e := Entry{Time: time.Unix(1, 2), Kind: Message, ConnectionID: "AbC=", RequestID: "r", Route: "$default", Duration: 5, Bytes: 64}
	room := make([]byte, 0, 512)
	if n := testing.AllocsPerRun(100, func() { room = e.AppendJSON(room[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
