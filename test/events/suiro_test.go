// Package events holds the real program to what calls functions without a
// client: a table's stream, asynchronous events and schedules, through real
// functions and SDKs, and over kill -9. SUIRO names the program.
package events

import (
	"strings"
	"testing"

	harness "github.com/suiro-dev/suiro/test/suiro"
)

// suiro is a running suiro dev.
type suiro struct {
	*harness.Running
	t     *testing.T
	ready harness.Ready
}

func copyOf(t *testing.T, from string) string { t.Helper(); return harness.Copy(t, from) }

// start runs the app in a folder.
func start(t *testing.T, dir string) *suiro {
	t.Helper()
	r := harness.Start(t, dir)
	return &suiro{r, t, r.Ready}
}

// got is what the functions printed: the part behind GOT.
func (s *suiro) got() (texts []string) {
	for _, e := range s.Entries() {
		if _, text, ok := strings.Cut(e.Text, "GOT "); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// await waits until a function has printed something that holds all parts.
func (s *suiro) await(parts ...string) string {
	s.t.Helper()
	e := s.Await(0, "function that got "+strings.Join(parts, " … "), func(e harness.Entry) bool {
		_, text, fits := strings.Cut(e.Text, "GOT ")
		for _, part := range parts {
			fits = fits && strings.Contains(text, part)
		}
		return fits
	})
	_, text, _ := strings.Cut(e.Text, "GOT ")
	return text
}
