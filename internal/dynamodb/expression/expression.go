// Package expression is DynamoDB's expression language: conditions, filters,
// key conditions, projections and updates, and the older parameters that say
// the same without a language.
//
// An expression is parsed once and shared ([Compiler]); each request binds its
// names and values to it ([Compiler.Compile]), which makes every check that
// needs no table, in DynamoDB's order and words. What comes out is evaluated
// against items without further errors, except those an update meets in the
// item itself.
package expression

import (
	"slices"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// Parameter is the request member an expression came in; errors name it.
type Parameter string

// The five parameters.
const (
	UpdateExpression       Parameter = "UpdateExpression"
	ConditionExpression    Parameter = "ConditionExpression"
	KeyConditionExpression Parameter = "KeyConditionExpression"
	FilterExpression       Parameter = "FilterExpression"
	ProjectionExpression   Parameter = "ProjectionExpression"
)

// Request is the part of a request that this package understands. A nil
// expression is absent; an empty one is an error.
type Request struct {
	Update, Condition, KeyCondition, Filter, Projection *string

	// Names and Values are the placeholders with their "#" and ":". nil is
	// absent, empty is an error.
	Names  map[string]string
	Values attribute.Item

	// Layer chooses the words of the operation's validation.
	Layer attribute.Layer
	// Offered are the parameters that the operation has and that can use
	// values, in the order in which the old validation lists them when it
	// says that all of them are null; see [Request.CheckPresence].
	Offered []Parameter
}

// Compiled is a request's expressions, checked and ready. Those that the
// request lacks are nil, and nil ones do the natural thing: a nil Condition
// holds, a nil Projection shows everything.
type Compiled struct {
	Update       *Update
	Condition    *Condition
	KeyCondition *KeyCondition
	Filter       *Condition
	Projection   *Projection
}

// source is one expression of a request.
type source struct {
	parameter Parameter
	text      *string
}

// sources are a request's expressions in the order in which DynamoDB checks
// them.
func (r *Request) sources() [5]source {
	return [5]source{
		{UpdateExpression, r.Update},
		{ConditionExpression, r.Condition},
		{KeyConditionExpression, r.KeyCondition},
		{FilterExpression, r.Filter},
		{ProjectionExpression, r.Projection},
	}
}

// CheckPresence refuses names or values without an expression to use them.
// DynamoDB checks this before it looks at any value; [Compiler.Compile] does
// it too.
func (r *Request) CheckPresence() error {
	used, usesValues := false, false
	for _, s := range r.sources() {
		if s.text != nil {
			used = true
			usesValues = usesValues || s.parameter != ProjectionExpression
		}
	}
	if r.Names != nil && !used {
		return attribute.Invalid("ExpressionAttributeNames can only be specified when using expressions")
	}
	if r.Values == nil || usesValues {
		return nil
	}
	message := "ExpressionAttributeValues can only be specified when using expressions"
	if r.Layer == attribute.Old && len(r.Offered) > 0 {
		names := make([]string, len(r.Offered))
		for i, p := range r.Offered {
			names[i] = string(p)
		}
		verb := " is null"
		if len(names) > 1 {
			verb = " are null"
		}
		message += ": " + strings.Join(names, " and ") + verb
	}
	return attribute.Invalid(message)
}

// CheckStyles refuses a request that uses both expressions and the older
// parameters, given the names of those of either kind that are present.
func CheckStyles(older, expressions []string) error {
	if len(older) == 0 || len(expressions) == 0 {
		return nil
	}
	return attribute.Invalid("Can not use both expression and non-expression parameters in the same request: " +
		"Non-expression parameters: {" + strings.Join(older, ", ") + "} " +
		"Expression parameters: {" + strings.Join(expressions, ", ") + "}")
}

// InvalidValue words the refusal of a value in ExpressionAttributeValues: the
// old validation says whose it is.
func InvalidValue(refusal *attribute.Error, layer attribute.Layer) *attribute.Error {
	return invalidIn("ExpressionAttributeValues", refusal, layer)
}

func invalidIn(parameter string, refusal *attribute.Error, layer attribute.Layer) *attribute.Error {
	if layer == attribute.New {
		return refusal
	}
	return attribute.Invalid(parameter + " contains invalid value: " + refusal.Message + " for key " + refusal.Attribute)
}

// maxPlaceholder is the longest placeholder in bytes, with its mark (Developer
// Guide, "Quotas").
const maxPlaceholder = 255

// placeholderTooLong is what DynamoDB Local says.
const placeholderTooLong = "The expression attribute map contains a key that is too long;"

// checkPlaceholders checks the keys of both maps.
func (r *Request) checkPlaceholders() error {
	if r.Names != nil {
		if len(r.Names) == 0 {
			return attribute.Invalid("ExpressionAttributeNames must not be empty")
		}
		var bad []string
		longest := 0
		for name := range r.Names {
			if !isPlaceholder(name, '#') {
				bad = append(bad, name)
			}
			longest = max(longest, len(name))
		}
		if longest > maxPlaceholder {
			return attribute.Invalid("ExpressionAttributeNames contains invalid key: " + placeholderTooLong + " size of key: " + strconv.Itoa(longest))
		}
		if bad != nil {
			return attribute.Invalid(`ExpressionAttributeNames contains invalid key: Syntax error; key: "` + slices.Min(bad) + `"`)
		}
	}
	if err := r.checkNames(); err != nil || r.Values == nil {
		return err
	}
	if len(r.Values) == 0 {
		return attribute.Invalid("ExpressionAttributeValues must not be empty")
	}
	for _, v := range r.Values {
		if len(v.Name) > maxPlaceholder {
			return attribute.Invalid("ExpressionAttributeValues contains invalid key: " + placeholderTooLong)
		}
		if !isPlaceholder(v.Name, ':') {
			return attribute.Invalid(`ExpressionAttributeValues contains invalid key: Syntax error; key: "` + v.Name + `"`)
		}
	}
	return nil
}

// checkNames checks what the names stand for.
func (r *Request) checkNames() error {
	var worst *attribute.Error
	for key, name := range r.Names {
		if e := attribute.CheckName(name); e != nil && (worst == nil || key < worst.Attribute) {
			worst = &attribute.Error{Code: e.Code, Message: e.Message, Attribute: key}
		}
	}
	if worst == nil {
		return nil
	}
	return invalidIn("ExpressionAttributeNames", worst, r.Layer)
}

// isPlaceholder says whether a map key is a mark and at least one more
// character of a name.
func isPlaceholder(key string, mark byte) bool {
	return len(key) > 1 && key[0] == mark && wordEnd(key, 1) == len(key)
}

// Compile parses a request's expressions, or finds them parsed, and checks
// them and the placeholders. Errors are [*attribute.Error] values, in the
// order of DynamoDB's checks. c may be nil; then nothing is remembered.
func (c *Compiler) Compile(r Request) (*Compiled, error) {
	if err := r.CheckPresence(); err != nil {
		return nil, err
	}
	if err := r.checkPlaceholders(); err != nil {
		return nil, err
	}
	out := &Compiled{}
	var used [5]*parsed
	var key *binding
	for i, s := range r.sources() {
		if s.text == nil {
			continue
		}
		b, err := c.bind(s.parameter, *s.text, &r)
		if err != nil {
			return nil, err
		}
		used[i] = b.expr
		switch s.parameter {
		case UpdateExpression:
			out.Update = newUpdate(b)
		case ConditionExpression:
			out.Condition = &Condition{b: b}
		case KeyConditionExpression:
			key = b
		case FilterExpression:
			out.Filter = &Condition{b: b}
		case ProjectionExpression:
			out.Projection = newProjection(b)
		}
	}
	if err := r.checkUsed(used[:]); err != nil {
		return nil, err
	}
	if key != nil {
		var err error
		if out.KeyCondition, err = newKeyCondition(key, r.Layer); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// bind makes one expression ready for one request.
func (c *Compiler) bind(parameter Parameter, text string, r *Request) (*binding, error) {
	expr, message := c.parse(parameter, text)
	if message == "" {
		message = expr.deferred
	}
	if message == "" {
		b := expr.bind(r.Names, r.Values)
		if message = b.check(r.Layer); message == "" {
			return b, nil
		}
	}
	return nil, attribute.Invalid("Invalid " + string(parameter) + ": " + message)
}

// checkUsed refuses placeholders that no expression mentions.
func (r *Request) checkUsed(exprs []*parsed) error {
	var unused []string
	for name := range r.Names {
		if !mentions(exprs, name, func(e *parsed) []string { return e.names }) {
			unused = append(unused, name)
		}
	}
	what := "ExpressionAttributeNames"
	if unused == nil {
		what = "ExpressionAttributeValues"
		for i := range r.Values {
			if !mentions(exprs, r.Values[i].Name, func(e *parsed) []string { return e.values }) {
				unused = append(unused, r.Values[i].Name)
			}
		}
	}
	if unused == nil {
		return nil
	}
	slices.Sort(unused)
	return attribute.Invalid("Value provided in " + what + " unused in expressions: keys: {" + strings.Join(unused, ", ") + "}")
}

func mentions(exprs []*parsed, name string, list func(*parsed) []string) bool {
	for _, e := range exprs {
		if e != nil && slices.Contains(list(e), name) {
			return true
		}
	}
	return false
}
