package stream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/stream"
	"github.com/suiro-dev/suiro/internal/store"
)

func open(t *testing.T, s *store.Store) *stream.Streams {
	t.Helper()
	streams, err := stream.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return streams
}

func begin(t *testing.T, s *store.Store, streams *stream.Streams, table string) *stream.Stream {
	t.Helper()
	var number uint32
	err := streams.Begin(stream.Definition{Table: table, View: stream.NewImage, Hash: []string{"pk"}}, func(_ string, n uint32, put func(store.Tx) error) error {
		number = n
		return s.Commit(context.Background(), put)
	})
	if err != nil {
		t.Fatal(err)
	}
	return streams.Get(number)
}

func item(key string) attribute.Item {
	return attribute.NewItem(attribute.Attribute{Name: "pk", Value: attribute.String(key)})
}

func insert(t *testing.T, s *store.Store, into *stream.Stream, key string) {
	t.Helper()
	err := s.Commit(context.Background(), func(tx store.Tx) error {
		return into.Append(tx, stream.Change{New: item(key), Encoded: attribute.AppendBinary(nil, item(key))})
	})
	if err != nil {
		t.Fatal(err)
	}
	into.Tell()
}

func read(t *testing.T, s *stream.Stream, from uint64) stream.Page {
	t.Helper()
	p, err := s.Read(from, 100, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Sequence numbers go on after a restart, also when every record that had
// them is gone.
func TestSequenceNumbersAreNeverUsedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.OpenMemory()
		defer func() { _ = s.Close() }()
		streams := open(t, s)
		first := begin(t, s, streams, "tab")
		insert(t, s, first, "a")
		insert(t, s, first, "b")
		if last := open(t, s).List("tab")[0].Last(); last != 2 {
			t.Errorf("last is %d", last)
		}
		time.Sleep(25 * time.Hour)
		if _, err := streams.Trim(context.Background()); err != nil {
			t.Fatal(err)
		}
		again := open(t, s).List("tab")[0]
		insert(t, s, again, "c")
		p := read(t, again, 0)
		if len(p.Records) != 1 || p.Records[0].Sequence != 3 || p.Next != 4 {
			t.Errorf("%+v", p)
		}
		if p := read(t, again, 2); !p.Trimmed {
			t.Errorf("%+v", p)
		}
	})
}

// A commit that fails leaves no record.
func TestRecordOfACommitThatFailed(t *testing.T) {
	s := store.OpenMemory()
	defer func() { _ = s.Close() }()
	st := begin(t, s, open(t, s), "tab")
	err := s.Commit(context.Background(), func(tx store.Tx) error {
		_ = st.Append(tx, stream.Change{New: item("a"), Encoded: attribute.AppendBinary(nil, item("a"))})
		return context.Canceled
	})
	if err == nil {
		t.Fatal("it did not fail")
	}
	insert(t, s, st, "b")
	if p := read(t, st, 0); len(p.Records) != 1 || p.Records[0].New.Get("pk").Text() != "b" {
		t.Errorf("%+v", p)
	}
}

// Who waits for records is woken by the commit of the next, and by the end.
func TestReadersAreWoken(t *testing.T) {
	s := store.OpenMemory()
	defer func() { _ = s.Close() }()
	streams := open(t, s)
	st := begin(t, s, streams, "tab")
	got := make(chan string, 10)
	go func() {
		defer close(got)
		from := uint64(0)
		for {
			changed := st.Changed()
			p, err := st.Read(from, 10, 0)
			if err != nil {
				got <- err.Error()
				return
			}
			for _, r := range p.Records {
				got <- r.New.Get("pk").Text()
			}
			if p.Ended {
				return
			}
			if from = p.Next; len(p.Records) == 0 {
				<-changed
			}
		}
	}()
	for _, key := range []string{"a", "b", "c"} {
		insert(t, s, st, key)
		if k := <-got; k != key {
			t.Errorf("got %q", k)
		}
	}
	if err := streams.End(context.Background(), st.Definition().Number); err != nil {
		t.Fatal(err)
	}
	if k, more := <-got; more {
		t.Errorf("got %q", k)
	}
}

func TestSequenceNumbersAsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "n")
		text := stream.FormatSequence(n)
		if got, ok := stream.ParseSequence(text); !ok || got != n || len(text) != 21 {
			t.Errorf("%d is %s, which is %d %v", n, text, got, ok)
		}
	})
	for _, bad := range []string{"", "1", "000000000000000000001", "199999999999999999999", "10000000000000000000x", "1000000000000000000001"} {
		if n, ok := stream.ParseSequence(bad); ok {
			t.Errorf("%q is %d", bad, n)
		}
	}
}
