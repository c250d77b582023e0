package schedule_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/suiro-dev/suiro/internal/eventbridge/schedule"
)

func at(t testing.TB, text string, zone *time.Location) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The expressions are those of the EventBridge User Guide's tables.
func TestNext(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here: ", err)
	}
	for _, row := range []struct {
		text string
		zone *time.Location
		from string
		want string
	}{
		{"cron(0 10 * * ? *)", nil, "2026-11-29 10:00", "2026-11-30 10:00"},
		{"cron(15 12 * * ? *)", nil, "2026-11-29 10:00", "2026-11-29 12:15"},
		{"cron(0 18 ? * MON-FRI *)", nil, "2026-11-27 19:00", "2026-11-30 18:00"},
		{"cron(0 8 1 * ? *)", nil, "2026-12-15 00:00", "2027-01-01 08:00"},
		{"cron(0/15 * * * ? *)", nil, "2026-11-29 10:46", "2026-11-29 11:00"},
		{"cron(0/10 * ? * MON-FRI *)", nil, "2026-11-28 10:00", "2026-11-30 00:00"},
		{"cron(0/5 8-17 ? * MON-FRI *)", nil, "2026-11-30 17:55", "2026-12-01 08:00"},
		{"cron(0 9 ? * 2#1 *)", nil, "2026-11-29 00:00", "2026-12-07 09:00"},
		{"cron(0 9 ? * 6L *)", nil, "2026-11-28 00:00", "2026-12-25 09:00"},
		{"cron(0 0 L * ? *)", nil, "2028-02-01 00:00", "2028-02-29 00:00"},
		{"cron(0 0 15W * ? *)", nil, "2026-11-01 00:00", "2026-11-16 00:00"},
		{"cron(0 0 1W 8 ? 2026)", nil, "2026-01-01 00:00", "2026-08-03 00:00"},
		{"cron(0 0 29 2 ? *)", nil, "2026-11-29 00:00", "2028-02-29 00:00"},
		{"cron(0 0 ? * FRI-MON *)", nil, "2026-11-30 00:00", "2026-12-04 00:00"},
		{"cron(30 2 * * ? *)", berlin, "2026-03-28 12:00", "2026-03-30 02:30"}, // the 29th has no 02:30
		{"cron(0 9 * * ? *)", berlin, "2026-06-01 09:00", "2026-06-02 09:00"},
		{"cron(0 0 1 1 ? 2025)", nil, "2026-01-01 00:00", ""},
		{"rate(5 minutes)", nil, "2026-11-29 10:07", "2026-11-29 10:10"},
		{"rate(1 day)", nil, "2026-11-29 10:00", "2026-11-30 00:00"},
		{"at(2026-12-24T18:00:00)", nil, "2026-11-29 10:00", "2026-12-24 18:00"},
		{"at(2026-11-24T18:00:00)", nil, "2026-11-29 10:00", ""},
	} {
		zone := row.zone
		if zone == nil {
			zone = time.UTC
		}
		s, err := schedule.Parse(row.text, row.zone)
		if err != nil {
			t.Errorf("%s: %v", row.text, err)
			continue
		}
		next, ok := s.Next(at(t, "2026-11-29 00:00", time.UTC), at(t, row.from, zone))
		got := ""
		if ok {
			got = next.In(zone).Format("2006-01-02 15:04")
		}
		if got != row.want {
			t.Errorf("%s after %s is %q, want %q", row.text, row.from, got, row.want)
		}
	}
}

func TestExpressionsThatAreRefused(t *testing.T) {
	for _, text := range []string{"", "rate", "rate()", "rate(0 minutes)", "rate(1 minutes)", "rate(5 minute)", "rate(5 seconds)", "every(1 day)", "cron(* * * * *)",
		"cron(* * * * * *)", "cron(* * ? * ? *)", "cron(60 * * * ? *)", "cron(* 24 * * ? *)", "cron(* * 32 * ? *)", "cron(* * ? * 8 *)", "cron(* * * 13 ? *)",
		"cron(* * * * ? 1969)", "cron(*/0 * * * ? *)", "cron(x * * * ? *)", "at(tomorrow)"} {
		if _, err := schedule.Parse(text, nil); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// The next time is always later, on a whole minute, and there is none between.
func TestNextIsTheNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minute, hour := rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 23).Draw(t, "hour")
		s, err := schedule.Parse("cron("+time.Date(2000, 1, 1, hour, minute, 0, 0, time.UTC).Format("4 15")+" * * ? *)", nil)
		if err != nil {
			t.Fatal(err)
		}
		after := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "after"), 0).UTC()
		next, ok := s.Next(after, after)
		if !ok || !next.After(after) || next.Sub(after) > 24*time.Hour || next.Hour() != hour || next.Minute() != minute || next.Second() != 0 {
			t.Errorf("after %v is %v", after, next)
		}
	})
}

func FuzzSchedule(f *testing.F) {
	for _, text := range []string{"rate(5 minutes)", "cron(0/15 8-17 ? * MON-FRI 2026)", "cron(0 0 LW * ? *)", "cron(0 0 ? * 6#5 *)", "at(2026-01-01T00:00:00)"} {
		f.Add(text)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := schedule.Parse(text, nil); err == nil {
			if next, ok := s.Next(now, now); ok && !next.After(now) {
				t.Errorf("%s: %v", text, next)
			}
		}
	})
}
