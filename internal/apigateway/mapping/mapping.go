// Package mapping runs the mapping templates of API Gateway: templates of
// package vtl with the variables $input, $context, $stageVariables and $util
// (API Gateway Developer Guide, "WebSocket API mapping template reference" and
// "Mapping template transformations"). It knows nothing of the kind of API.
package mapping

import (
	"errors"
	"strings"

	"github.com/suiro-dev/suiro/internal/vtl"
)

// Field is one parameter of a request, or one stage variable.
type Field struct{ Name, Value string }

// Input is what a template works on.
type Input struct {
	Body []byte
	// Path, Query and Header are the parameters of $input.params().
	Path, Query, Header []Field
	// Context returns a variable of $context by its dotted name,
	// "identity.sourceIp".
	Context        func(name string) (string, bool)
	StageVariables []Field
}

// Template is a parsed mapping template. It never changes.
type Template struct {
	parsed   *vtl.Template
	constant []byte // nil when the result depends on something
}

// Parse reads a template. The error is a *vtl.Error with the position.
func Parse(text string) (*Template, error) {
	t, err := vtl.Parse(text)
	if err != nil {
		return nil, err
	}
	parsed := &Template{parsed: t}
	if always, ok := t.Constant(); ok {
		parsed.constant = []byte(always)
	}
	return parsed, nil
}

// Constant is the result of a template that has no directive and no reference,
// as those of MOCK integrations have; it needs no input, and a message costs
// nothing of a run. It must not be changed.
func (t *Template) Constant() (result []byte, ok bool) { return t.constant, t.constant != nil }

// BodyError is a body that a template reads as JSON and that is none.
type BodyError struct{ Err error }

func (e *BodyError) Error() string { return "the body is no JSON: " + e.Err.Error() }

// Render runs the template. The error is a *BodyError, or a *vtl.Error.
func (t *Template) Render(in *Input) (string, error) {
	body := &input{in: in}
	variables := map[string]vtl.Value{
		"input":          body,
		"context":        variable{in, ""},
		"stageVariables": fieldMap(in.StageVariables),
		"util":           util{},
	}
	out, err := t.parsed.Render(variables, vtl.Limits{})
	if body.broken != nil {
		return "", body.broken
	}
	if err != nil {
		return "", err
	}
	return out.Text, nil
}

// stageVariables are a map in which what is not set is empty text.
type stageVariables struct{ *vtl.Map }

func fieldMap(fields []Field) vtl.Value {
	m := vtl.NewMap()
	for _, f := range fields {
		m.Put(f.Name, f.Value)
	}
	return stageVariables{m}
}

func (s stageVariables) Property(name string) vtl.Value {
	if v, ok := s.Get(name); ok {
		return v
	}
	return ""
}

func (s stageVariables) Call(name string, args []vtl.Value) (vtl.Value, bool, error) {
	switch {
	case name == "get" && len(args) == 1:
		key, ok := args[0].(string)
		return s.Property(key), ok, nil
	case name == "containsKey" && len(args) == 1:
		key, ok := args[0].(string)
		_, there := s.Get(key)
		return there, ok, nil
	case name == "keySet" && len(args) == 0:
		l := &vtl.List{}
		for _, key := range s.Keys() {
			l.Items = append(l.Items, key)
		}
		return l, true, nil
	case name == "size" && len(args) == 0:
		return int64(s.Len()), true, nil
	}
	return nil, false, nil
}

// Items implements vtl.Ranger.
func (s stageVariables) Items() []vtl.Value {
	var items []vtl.Value
	for _, key := range s.Keys() {
		items = append(items, s.Property(key))
	}
	return items
}

// variable is $context, or an object in it. A variable that there is none of
// is empty text: so the templates that the console makes show identities
// without credentials.
type variable struct {
	in     *Input
	prefix string
}

// groups are the objects of $context.
var groups = map[string]bool{
	"authorizer": true, "authorizer.claims": true, "error": true, "identity": true,
	"requestOverride": true, "responseOverride": true,
}

func (c variable) Property(name string) vtl.Value {
	full := c.prefix + name
	if c.in.Context != nil {
		if v, ok := c.in.Context(full); ok {
			return number(full, v)
		}
	}
	if groups[full] {
		return variable{c.in, full + "."}
	}
	return ""
}

// number keeps the times as numbers, which templates compute with.
func number(name, text string) vtl.Value {
	if name != "connectedAt" && name != "requestTimeEpoch" {
		return text
	}
	v, err := vtl.FromJSON([]byte(text))
	if err != nil {
		return text
	}
	return v
}

func (c variable) Call(name string, args []vtl.Value) (vtl.Value, bool, error) {
	if name == "get" && len(args) == 1 {
		key, ok := args[0].(string)
		return c.Property(key), ok, nil
	}
	return nil, false, nil
}

// absent is what $input.path gives for a path that leads nowhere. It prints as
// empty text, equals empty text and is false: however a template asks whether
// something is there, it is told the truth.
type absent struct{}

func (absent) Text() string              { return "" }
func (absent) Truth() bool               { return false }
func (absent) Items() []vtl.Value        { return nil }
func (absent) Property(string) vtl.Value { return nil }

func (absent) Call(name string, args []vtl.Value) (vtl.Value, bool, error) {
	switch {
	case len(args) == 0 && (name == "size" || name == "length"):
		return int64(0), true, nil
	case len(args) == 0 && name == "isEmpty":
		return true, true, nil
	case len(args) == 0 && name == "toString":
		return "", true, nil
	case len(args) == 1 && name == "equals":
		return args[0] == "", true, nil
	}
	return nil, false, nil
}

var errArguments = errors.New("it takes one text")

// oneText is the argument of a method that takes one text.
func oneText(args []vtl.Value) (string, error) {
	if len(args) == 1 {
		switch v := args[0].(type) {
		case string:
			return v, nil
		case absent:
			return "", nil
		}
	}
	return "", errArguments
}

// find returns the last value of a name; fold ignores case, as for headers.
func find(fields []Field, name string, fold bool) (value string, ok bool) {
	for _, f := range fields {
		if f.Name == name || fold && strings.EqualFold(f.Name, name) {
			value, ok = f.Value, true
		}
	}
	return value, ok
}
