package websocketapi

import (
	"sync"
	"time"
)

// Throttle is a token bucket: Burst tokens, refilled at Rate a second
// (ThrottlingBurstLimit and ThrottlingRateLimit of a stage's route settings).
type Throttle struct {
	Rate  float64
	Burst int

	mu     sync.Mutex
	tokens float64
	at     time.Time
}

// allow takes a token, or says that there is none. A nil Throttle has no bound.
func (t *Throttle) allow(now time.Time) bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at.IsZero() {
		t.tokens = float64(t.Burst)
	} else if passed := now.Sub(t.at).Seconds(); passed > 0 {
		t.tokens = min(float64(t.Burst), t.tokens+passed*t.Rate)
	}
	t.at = now
	if t.tokens < 1 {
		return false
	}
	t.tokens--
	return true
}

// throttle is the bucket of a route: its own, else the one that all routes
// without one share.
func (s *Stage) throttle(routeKey string) *Throttle { return s.settings(routeKey).Throttle }
