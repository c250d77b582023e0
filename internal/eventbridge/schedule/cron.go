package schedule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cron is minutes, hours, day of month, month, day of week (1 is Sunday) and
// year. One of the two days is ?.
type cron struct {
	minutes, hours, days, months, weekdays, years set
	lastDay                                       bool // L in the days: the last day of the month
	nearWeekday                                   int  // 15W: the weekday nearest to the 15th
	lastWeekday                                   int  // 6L: the last Friday of the month
	nth                                           int  // 6#3: the third …
	nthDay                                        int  // … Friday
	byWeekday                                     bool // the days are ?
}

// set holds the values of a field, offset by its least.
type set map[int]bool

var (
	monthNames = strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")
	dayNames   = strings.Fields("SUN MON TUE WED THU FRI SAT")
)

const firstYear, lastYear = 1970, 2199

func parseCron(text string) (*cron, error) {
	f := strings.Fields(strings.ToUpper(text))
	if len(f) != 6 {
		return nil, fmt.Errorf("cron has six fields (minutes, hours, day of month, month, day of week, year), not %d", len(f))
	}
	if (f[2] == "?") == (f[4] == "?") {
		return nil, errors.New("one of day of month and day of week must be ?")
	}
	c := &cron{byWeekday: f[2] == "?"}
	var errs [6]error
	c.minutes, errs[0] = parseField(f[0], "minutes", 0, 59, nil)
	c.hours, errs[1] = parseField(f[1], "hours", 0, 23, nil)
	c.months, errs[3] = parseField(f[3], "month", 1, 12, monthNames)
	c.years, errs[5] = parseField(f[5], "year", firstYear, lastYear, nil)
	if c.byWeekday {
		errs[4] = c.parseWeekday(f[4])
	} else {
		errs[2] = c.parseDay(f[2])
	}
	return c, errors.Join(errs[:]...)
}

func (c *cron) parseDay(text string) (err error) {
	if text == "L" {
		c.lastDay = true
		return nil
	}
	if day, ok := strings.CutSuffix(text, "W"); ok {
		c.nearWeekday, err = number(day, "day of month", 1, 31, nil)
		return err
	}
	c.days, err = parseField(text, "day of month", 1, 31, nil)
	return err
}

func (c *cron) parseWeekday(text string) (err error) {
	if text == "L" {
		c.weekdays = set{7: true}
		return nil
	}
	if day, ok := strings.CutSuffix(text, "L"); ok {
		c.lastWeekday, err = number(day, "day of week", 1, 7, dayNames)
		return err
	}
	if day, nth, ok := strings.Cut(text, "#"); ok {
		var bad error
		c.nthDay, err = number(day, "day of week", 1, 7, dayNames)
		c.nth, bad = number(nth, "day of week", 1, 5, nil)
		return errors.Join(err, bad)
	}
	c.weekdays, err = parseField(text, "day of week", 1, 7, dayNames)
	return err
}

// parseField reads *, lists, ranges and steps.
func parseField(text, name string, least, most int, names []string) (set, error) {
	values := set{}
	for part := range strings.SplitSeq(text, ",") {
		span, by, stepped := strings.Cut(part, "/")
		from, to, step := least, most, 1
		var err error
		if stepped {
			if step, err = number(by, name, 1, most, nil); err != nil {
				return nil, err
			}
		}
		low, high, ranged := strings.Cut(span, "-")
		switch {
		case span == "*":
		case ranged:
			var bad error
			from, err = number(low, name, least, most, names)
			to, bad = number(high, name, least, most, names)
			err = errors.Join(err, bad)
		default:
			if from, err = number(span, name, least, most, names); !stepped {
				to = from
			}
		}
		if err != nil {
			return nil, err
		}
		if from > to { // FRI-MON goes over the end
			to += most - least + 1
		}
		for v := from; v <= to; v += step {
			values[least+(v-least)%(most-least+1)] = true
		}
	}
	return values, nil
}

func number(text, name string, least, most int, names []string) (int, error) {
	for i, n := range names {
		if text == n {
			return i + 1, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s: %q is not from %d to %d", name, text, least, most)
	}
	return n, nil
}

// next is the first minute behind a time that matches, in the time's zone.
func (c *cron) next(after time.Time) (time.Time, bool) {
	zone := after.Location()
	y, m, d := after.Date()
	for day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC); day.Year() <= lastYear; day = day.AddDate(0, 0, 1) {
		switch {
		case !c.years[day.Year()]:
			day = time.Date(day.Year(), time.December, 31, 0, 0, 0, 0, time.UTC)
			continue
		case !c.months[int(day.Month())]:
			day = time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC)
			continue
		case !c.onDay(day):
			continue
		}
		for hour := range 24 {
			for minute := 0; c.hours[hour] && minute < 60; minute++ {
				if !c.minutes[minute] {
					continue
				}
				t := time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, zone)
				// A time that the clock skips in spring is left out.
				if t.After(after) && t.Hour() == hour && t.Minute() == minute {
					return t, true
				}
			}
		}
	}
	return time.Time{}, false
}

func (c *cron) onDay(day time.Time) bool {
	last := time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	weekday := int(day.Weekday()) + 1
	switch {
	case c.byWeekday && c.lastWeekday > 0:
		return weekday == c.lastWeekday && day.Day() > last-7
	case c.byWeekday && c.nth > 0:
		return weekday == c.nthDay && (day.Day()-1)/7+1 == c.nth
	case c.byWeekday:
		return c.weekdays[weekday]
	case c.lastDay:
		return day.Day() == last
	case c.nearWeekday > 0:
		return day.Day() == nearest(day, min(c.nearWeekday, last), last)
	}
	return c.days[day.Day()]
}

// nearest is the weekday nearest to a day, inside its month.
func nearest(month time.Time, wanted, last int) int {
	switch time.Date(month.Year(), month.Month(), wanted, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if wanted == 1 {
			return 3
		}
		return wanted - 1
	case time.Sunday:
		if wanted == last {
			return wanted - 2
		}
		return wanted + 1
	}
	return wanted
}
