package apigateway

import (
	"github.com/suiro-dev/suiro/internal/apigateway/websocketapi"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/jsonschema"
	"github.com/suiro-dev/suiro/internal/resource"
)

// models are what a route's messages are validated against; nil when it has no
// ModelSelectionExpression, without which nothing is.
func (a *api) models(route *document.Node) *websocketapi.Models {
	selection := route.Get("ModelSelectionExpression").TextOr("")
	if selection == "" {
		return nil
	}
	m := &websocketapi.Models{Selection: expression(selection), ByKey: map[string]*websocketapi.Model{}}
	for _, key := range route.Get("RequestModels").Keys() {
		name := route.Get("RequestModels").Get(key).TextOr("")
		model := &websocketapi.Model{Name: name}
		for _, spec := range a.records[typeModel] {
			if spec.Properties.Get("Name").TextOr("") == name {
				model.Schema, _ = schema(spec.Properties.Get("Schema"))
			}
		}
		m.ByKey[key] = model
	}
	return m
}

// schema reads a model's schema, which is written as an object or as JSON in a
// text.
func schema(n *document.Node) (*jsonschema.Schema, error) {
	source := n.JSON()
	if n != nil && n.Kind == document.String {
		source = n.Text
	}
	return jsonschema.Parse([]byte(source))
}

func checkModel(spec resource.Spec) diag.List {
	n := spec.Properties.Get("Schema")
	if n.IsNull() || resource.Unknown(n) {
		return nil
	}
	if _, err := schema(n); err != nil {
		return diag.List{fault(spec, "Schema", "the schema cannot be read: %v", err)}
	}
	return nil
}
