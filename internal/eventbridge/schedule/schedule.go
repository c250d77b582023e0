// Package schedule is the schedule expressions of EventBridge: rate(5 minutes),
// cron(0 18 ? * MON-FRI *) and, for EventBridge Scheduler, at(2030-01-01T00:00:00)
// (EventBridge User Guide, "Creating an Amazon EventBridge rule that runs on a
// schedule").
package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schedule says when something happens.
type Schedule struct {
	rate time.Duration // of rate
	at   time.Time     // of at
	cron *cron
	zone *time.Location
}

// Parse reads an expression; cron and at are in a time zone, UTC when it is nil.
func Parse(text string, zone *time.Location) (Schedule, error) {
	if zone == nil {
		zone = time.UTC
	}
	s := Schedule{zone: zone}
	kind, rest, ok := strings.Cut(strings.TrimSpace(text), "(")
	inside, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return s, fmt.Errorf("%q is neither rate(…) nor cron(…)", text)
	}
	var err error
	switch kind {
	case "rate":
		s.rate, err = parseRate(inside)
	case "cron":
		s.cron, err = parseCron(inside)
	case "at":
		s.at, err = time.ParseInLocation("2006-01-02T15:04:05", inside, zone)
	default:
		err = fmt.Errorf("%q is neither rate(…) nor cron(…)", text)
	}
	return s, err
}

// Once tells whether it is an at(…), which EventBridge Scheduler alone has.
func (s Schedule) Once() bool { return !s.at.IsZero() }

// Next is the next time after a time, false when there is none. A rate counts
// from begin.
func (s Schedule) Next(begin, after time.Time) (time.Time, bool) {
	switch {
	case s.rate > 0:
		n := after.Sub(begin)/s.rate + 1
		return begin.Add(n * s.rate), true
	case s.cron != nil:
		return s.cron.next(after.In(s.zone))
	}
	return s.at, s.at.After(after)
}

func parseRate(text string) (time.Duration, error) {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return 0, errors.New("a rate is a number and a unit, such as rate(5 minutes)")
	}
	n, err := strconv.Atoi(fields[0])
	if err != nil || n < 1 || n > 1<<20 {
		return 0, fmt.Errorf("%q is no positive number", fields[0])
	}
	unit, plural := strings.CutSuffix(fields[1], "s")
	of := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[unit]
	switch {
	case of == 0:
		return 0, fmt.Errorf("%q is not minutes, hours or days", fields[1])
	case plural != (n > 1):
		return 0, fmt.Errorf("rate(%s) is refused by AWS: one %s, several %ss", text, unit, unit)
	}
	return time.Duration(n) * of, nil
}
