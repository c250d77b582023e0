package websocketapi

import (
	"net/http"
	"strings"

	"github.com/suiro-dev/suiro/internal/apigateway/selection"
	"github.com/suiro-dev/suiro/internal/jsonschema"
)

// Models are the schemas that a route's messages must satisfy.
type Models struct {
	// Selection gives a key of ByKey; where there is none, $default counts.
	Selection *selection.Expression
	ByKey     map[string]*Model
}

// Model is a schema; Schema is nil for one that cannot be read, which nothing
// satisfies.
type Model struct {
	Name   string
	Schema *jsonschema.Schema
}

// validate refuses a message that its model does not allow, and one for which
// there is no model (API Gateway Developer Guide, "Request validation for
// WebSocket APIs").
func (r *Route) validate(body []byte) *failure {
	if r.Models == nil {
		return nil
	}
	m := r.Models.ByKey[r.Models.Selection.Text(body, nil)]
	if m == nil {
		m = r.Models.ByKey[routeDefault]
	}
	switch {
	case m == nil:
		return &failure{http.StatusBadRequest, badRequestBody, "no model is selected, and there is no $default"}
	case m.Schema == nil:
		return &failure{http.StatusBadRequest, badRequestBody, "the model " + m.Name + " has no schema that can be read"}
	}
	if wrong := m.Schema.Validate(body); len(wrong) > 0 {
		return &failure{http.StatusBadRequest, badRequestBody, "model " + m.Name + ": " + strings.Join(wrong, "; ")}
	}
	return nil
}
