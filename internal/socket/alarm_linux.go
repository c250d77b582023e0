package socket

import "time"

// alarm is when a parked connection is due at the earliest, in milliseconds
// since 1970, and below that the connection's descriptor: as a number it is
// ordered by time.
type alarm uint64

// descriptorBits leave 42 for the time, which suffice until 2109. Connections
// with larger descriptors are not parked.
const descriptorBits = 22

// newAlarm is due no earlier than at, in Unix nanoseconds.
func newAlarm(at int64, fd int32) alarm {
	const unit = int64(time.Millisecond)
	return alarm((at+unit-1)/unit)<<descriptorBits | alarm(fd)
}

// at is in Unix nanoseconds.
func (x alarm) at() int64 { return int64(x>>descriptorBits) * int64(time.Millisecond) }

func (x alarm) fd() int32 { return int32(x & (1<<descriptorBits - 1)) }

// alarms are a binary heap, the earliest first. places[fd].alarm is an alarm's
// index, so that a connection that is woken takes its own along: a timer of the
// runtime for each would be twelve times as large.
type alarms []alarm

func (a *alarms) add(places []place, x alarm) {
	*a = append(*a, x)
	a.up(places, len(*a)-1, x)
}

// remove takes one out by its index.
func (a *alarms) remove(places []place, i int) {
	places[(*a)[i].fd()].alarm = -1
	n := len(*a) - 1
	last := (*a)[n]
	*a = (*a)[:n]
	if i < n {
		a.down(places, i, last)
	}
}

// postpone gives the earliest a later time, in Unix nanoseconds.
func (a *alarms) postpone(places []place, at int64) {
	a.down(places, 0, newAlarm(at, (*a)[0].fd()))
}

// up puts x at i, or above.
func (a *alarms) up(places []place, i int, x alarm) {
	h := *a
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent] <= x {
			break
		}
		h[i] = h[parent]
		places[h[i].fd()].alarm = int32(i)
		i = parent
	}
	h[i] = x
	places[x.fd()].alarm = int32(i)
}

// down puts x at i or below, unless it belongs above.
func (a *alarms) down(places []place, i int, x alarm) {
	h := *a
	for {
		child := 2*i + 1
		if child+1 < len(h) && h[child+1] < h[child] {
			child++
		}
		if child >= len(h) || x <= h[child] {
			break
		}
		h[i] = h[child]
		places[h[i].fd()].alarm = int32(i)
		i = child
	}
	a.up(places, i, x)
}
