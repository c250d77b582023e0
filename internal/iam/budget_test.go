//go:build !race

package iam

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/suiro-dev/suiro/internal/sigv4"
)

// What it may allocate to find out who signed a push to a connection: raise
// the number only with a reason.
func TestAllocationBudget(t *testing.T) {
	s := New(Config{AccountID: "123456789012", Region: "eu-west-1"})
	c := s.Issue("arn:aws:iam::123456789012:role/r", "fn")
	body := []byte(strings.Repeat("x", 64))
	r := httptest.NewRequest("POST", "/dev/@connections/gbgA_S5PGQAYKEilZA%3D%3D", nil)
	r.Header.Set("Content-Type", "application/octet-stream")
	sigv4.Sign(r, sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken},
		"eu-west-1", "execute-api", body, time.Now())
	n := testing.AllocsPerRun(500, func() {
		if _, err := s.Authenticate(r, "execute-api", body); err != nil {
			t.Fatal(err)
		}
	})
	if most := 1.0; n > most {
		t.Errorf("a signature: %v allocations, %v are allowed", n, most)
	}
}
