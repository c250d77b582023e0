package journal

import "testing"

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
