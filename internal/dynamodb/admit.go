package dynamodb

import (
	"net/http"

	"github.com/suiro-dev/suiro/internal/dynamodb/cloudformation"
	"github.com/suiro-dev/suiro/internal/dynamodb/partiql"
	"github.com/suiro-dev/suiro/internal/dynamodb/table"
	"github.com/suiro-dev/suiro/internal/resource"
)

// What the package outside needs of a Service to stand in front of tables that
// are elsewhere.

// Permission is an IAM action, without "dynamodb:", on a resource's ARN.
type Permission struct{ Action, Resource string }

// Admit verifies who makes a call and that they may do all of it. The error is
// for Refuse.
func (s *Service) Admit(r *http.Request, body []byte, needed []Permission) error {
	c := &call{service: s, http: r}
	if err := c.authenticate(body); err != nil {
		return err
	}
	for _, p := range needed {
		if err := c.allow(p.Action, p.Resource); err != nil {
			return err
		}
	}
	return nil
}

// Refuse answers a call with an error, as the API words it, and returns the
// answer's status and size.
func (s *Service) Refuse(w http.ResponseWriter, operation string, err error) (status, size int) {
	c := &call{service: s, operation: operation}
	out, status := c.appendError(nil, err)
	w.Header().Set("Content-Type", jsonType)
	respond(w, status, out)
	return status, len(out)
}

// StatementPermission is what a PartiQL statement needs.
func (s *Service) StatementPermission(q *partiql.Statement) Permission {
	return Permission{verbs[q.Verb].permission, s.statementARN(q)}
}

// TableARN is the ARN of one of the account's tables.
func (s *Service) TableARN(name string) string { return s.account.Table(name) }

// Wanted is the table that a resource asks for, and the input of CreateTable
// that makes it. The error is about the template.
func (s *Service) Wanted(spec resource.Spec) (input []byte, d *table.Definition, err error) {
	return s.handler(spec.Type == cloudformation.GlobalTableType).Wanted(spec)
}
