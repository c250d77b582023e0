package tables

import (
	"strings"
	"testing"
)

// line is one call of a script. Where local is not empty it is how DynamoDB
// Local's answer begins, as normal writes it, and
// docs/compatibility/dynamodb-differences.md says why Suiro's is another one.
type line struct {
	operation, body, local string
}

// play makes the calls of a script to both and compares the answers.
func play(t *testing.T, suiro, local *server, script []line) {
	t.Helper()
	for _, l := range script {
		r := request{l.operation, l.body}
		got, want := normal(r, must(t, suiro, r)), normal(r, must(t, local, r))
		switch {
		case l.local == "" && got != want:
			t.Errorf("%s %s\n         suiro %s\nDynamoDB Local %s", l.operation, l.body, got, want)
		case l.local != "" && (got == want || !strings.HasPrefix(want, l.local)):
			t.Errorf("%s %s\nno longer differs as said:\n         suiro %s\nDynamoDB Local %s", l.operation, l.body, got, want)
		}
	}
}

// must is the answer to a call, whatever it is.
func must(t *testing.T, s *server, r request) answer {
	t.Helper()
	a, err := s.call(r.operation, r.body)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// done is the answer to a call that works.
func done(t *testing.T, s *server, operation, body string) answer {
	t.Helper()
	a := must(t, s, request{operation, body})
	if a.status != 200 {
		t.Fatalf("%s: %s %s\n%d %s", s.name, operation, body, a.status, a.raw)
	}
	return a
}
