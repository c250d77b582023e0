package socket

// alarm says when a parked connection is due at the earliest.
type alarm struct {
	at int64 // Unix nanoseconds
	fd int32
}

// alarms are a binary heap, the earliest first. places[fd].alarm is an alarm's
// index, so that a connection that is woken takes its own along: a timer of the
// runtime for each would be six times as large.
type alarms []alarm

func (a *alarms) add(places []place, at int64, fd int32) {
	*a = append(*a, alarm{})
	a.up(places, len(*a)-1, alarm{at, fd})
}

// remove takes one out by its index.
func (a *alarms) remove(places []place, i int) {
	places[(*a)[i].fd].alarm = -1
	n := len(*a) - 1
	last := (*a)[n]
	*a = (*a)[:n]
	if i < n {
		a.down(places, i, last)
	}
}

// postpone gives the earliest a later time.
func (a *alarms) postpone(places []place, at int64) { a.down(places, 0, alarm{at, (*a)[0].fd}) }

// up puts x at i, or above.
func (a *alarms) up(places []place, i int, x alarm) {
	h := *a
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].at <= x.at {
			break
		}
		h[i] = h[parent]
		places[h[i].fd].alarm = int32(i)
		i = parent
	}
	h[i] = x
	places[x.fd].alarm = int32(i)
}

// down puts x at i or below, unless it belongs above.
func (a *alarms) down(places []place, i int, x alarm) {
	h := *a
	for {
		child := 2*i + 1
		if child+1 < len(h) && h[child+1].at < h[child].at {
			child++
		}
		if child >= len(h) || x.at <= h[child].at {
			break
		}
		h[i] = h[child]
		places[h[i].fd].alarm = int32(i)
		i = child
	}
	a.up(places, i, x)
}
