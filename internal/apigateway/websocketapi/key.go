package websocketapi

import (
	"net/http"
	"sync"
	"time"
)

const limitExceeded = "Limit Exceeded"

// Key is an API key that usage plans make good for stages of an API.
type Key struct {
	ID, Value string
	Disabled  bool
	Plans     map[string]*Plan // by stage
}

// Plan is a usage plan as it bounds one key.
type Plan struct {
	Throttle *Throttle // nil: none
	Quota    *Quota    // nil: none
}

// Quota is how many handshakes a key is good for in a period.
type Quota struct {
	Limit  int
	Period string // DAY, WEEK or MONTH
	Offset int    // handshakes that count as made in the first period

	mu    sync.Mutex
	used  int
	began time.Time
}

// allow counts one handshake, or says that the period's are used up. Periods
// begin with the day, the week (on Sunday) and the month, in UTC.
func (q *Quota) allow(now time.Time) bool {
	if q == nil {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	year, month, day := now.UTC().Date()
	start := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	switch q.Period {
	case "WEEK":
		start = start.AddDate(0, 0, -int(start.Weekday()))
	case "MONTH":
		start = start.AddDate(0, 0, 1-day)
	}
	switch {
	case q.began.IsZero():
		q.began, q.used = start, q.Offset
	case start.After(q.began):
		q.began, q.used = start, 0
	}
	if q.used >= q.Limit {
		return false
	}
	q.used++
	return true
}

// checkKey asks for the API key of a $connect route that needs one: a key that
// is enabled, of a usage plan for this stage, within the plan's bounds. What a
// refusal says is not documented for WebSocket APIs; it is what REST APIs say.
func (h *handshake) checkKey(keys map[string]*Key, fromAuthorizer bool, route *Route) bool {
	if !route.KeyRequired {
		return true
	}
	c := h.event.conn
	value := h.r.Header.Get("X-Api-Key")
	if fromAuthorizer {
		value = ""
		if c.authorizer != nil {
			value = c.authorizer.key
		}
	}
	key := keys[value]
	var plan *Plan
	if key != nil {
		plan = key.Plans[c.stage]
	}
	cause := ""
	switch {
	case value == "":
		cause = "the route needs an API key, and there is none"
	case key == nil:
		cause = "no usage plan of this API has this API key"
	case key.Disabled:
		cause = "the API key " + key.ID + " is disabled"
	case plan == nil:
		cause = "no usage plan of the API key " + key.ID + " has the stage " + c.stage
	}
	if cause != "" {
		h.refuse(http.StatusForbidden, forbidden, cause)
		return false
	}
	c.known().key = key
	switch {
	case !plan.Throttle.allow(h.event.at):
		h.refuse(http.StatusTooManyRequests, tooManyRequests, "the usage plan's throttle")
	case !plan.Quota.allow(h.event.at):
		h.refuse(http.StatusTooManyRequests, limitExceeded, "the usage plan's quota")
	default:
		return true
	}
	return false
}
