package jsonschema

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of one validation: a schema may refer to itself.
const (
	maxSteps    = 200_000 // a step is a schema applied, an item, a property, a few characters
	maxRefs     = 200     // schemas applied within one another
	maxMessages = 10
)

// Validate tells what is wrong with a document: nothing, or one text for each
// mistake, with where it is; at most ten.
func (s *Schema) Validate(doc []byte) []string {
	v, err := decode(doc)
	if err != nil {
		return []string{"the document is no JSON"}
	}
	c := &check{}
	c.apply(s.root, v, "")
	if c.steps > maxSteps {
		return append(c.messages, "the schema takes too long to check")
	}
	return c.messages
}

// check is one validation, or a try of one that anyOf and its like make.
type check struct {
	messages []string
	steps    int
	depth    int
}

func (c *check) fail(at, format string, args ...any) {
	if at == "" {
		at = "/"
	}
	if len(c.messages) < maxMessages {
		c.messages = append(c.messages, at+": "+fmt.Sprintf(format, args...))
	}
}

// matches tries rules without leaving messages.
func (c *check) matches(r *rules, v any, at string) bool {
	inner := &check{steps: c.steps, depth: c.depth}
	inner.apply(r, v, at)
	c.steps = inner.steps
	return len(inner.messages) == 0
}

func (c *check) apply(r *rules, v any, at string) {
	c.depth++
	defer func() { c.depth-- }()
	if c.steps++; c.steps > maxSteps {
		return
	}
	if c.depth > maxRefs {
		c.fail(at, "the schema refers to itself over %d times", maxRefs)
		return
	}
	if r.ref != nil {
		c.apply(r.ref, v, at)
		return
	}
	if len(r.types) > 0 && !ofType(v, r.types) {
		c.fail(at, "is %s, should be %s", typeOf(v), strings.Join(r.types, " or "))
	}
	if r.enum != nil && !c.among(v, r.enum) {
		c.fail(at, "is none of the values allowed")
	}
	switch v := v.(type) {
	case json.Number:
		c.number(r, v, at)
	case string:
		c.steps += len(v) / 16
		c.text(r, v, at)
	case []any:
		c.steps += len(v)
		c.list(r, v, at)
	case map[string]any:
		c.steps += len(v)
		c.object(r, v, at)
	}
	c.combined(r, v, at)
}

func (c *check) combined(r *rules, v any, at string) {
	for _, one := range r.allOf {
		c.apply(one, v, at)
	}
	count := func(all []*rules) (n int) {
		for _, one := range all {
			if c.matches(one, v, at) {
				n++
			}
		}
		return n
	}
	if r.anyOf != nil && count(r.anyOf) == 0 {
		c.fail(at, "matches none of the schemas in anyOf")
	}
	if r.oneOf != nil {
		if n := count(r.oneOf); n != 1 {
			c.fail(at, "matches %d of the schemas in oneOf, should match one", n)
		}
	}
	if r.not != nil && c.matches(r.not, v, at) {
		c.fail(at, "matches the schema in not")
	}
}

func (c *check) number(r *rules, n json.Number, at string) {
	f, _ := n.Float64() // infinite when out of range
	switch {
	case r.minimum != nil && (f < *r.minimum || r.exclusiveMinimum && f == *r.minimum):
		c.fail(at, "is %s, the minimum is %v", n, *r.minimum)
	case r.maximum != nil && (f > *r.maximum || r.exclusiveMaximum && f == *r.maximum):
		c.fail(at, "is %s, the maximum is %v", n, *r.maximum)
	}
	if r.multipleOf != nil {
		// 0.3 is a multiple of 0.1, although not in binary.
		q := f / *r.multipleOf
		if math.Abs(q-math.Round(q)) > 1e-9*math.Max(1, math.Abs(q)) {
			c.fail(at, "is %s, should be a multiple of %v", n, *r.multipleOf)
		}
	}
}

func (c *check) text(r *rules, s, at string) {
	n := utf8.RuneCountInString(s)
	if r.minLength != nil && n < *r.minLength {
		c.fail(at, "has %d characters, at least %d are needed", n, *r.minLength)
	}
	if r.maxLength != nil && n > *r.maxLength {
		c.fail(at, "has %d characters, at most %d are allowed", n, *r.maxLength)
	}
	if r.pattern != nil && !r.pattern.MatchString(s) {
		c.fail(at, "does not match the pattern %s", r.pattern)
	}
}

func (c *check) list(r *rules, list []any, at string) {
	if r.minItems != nil && len(list) < *r.minItems {
		c.fail(at, "has %d items, at least %d are needed", len(list), *r.minItems)
	}
	if r.maxItems != nil && len(list) > *r.maxItems {
		c.fail(at, "has %d items, at most %d are allowed", len(list), *r.maxItems)
	}
	for i, item := range list {
		place := at + "/" + strconv.Itoa(i)
		switch {
		case r.items != nil:
			c.apply(r.items, item, place)
		case i < len(r.tuple):
			c.apply(r.tuple[i], item, place)
		case r.tuple != nil && r.noAdditionalItems:
			c.fail(place, "is one item too many")
		case r.tuple != nil && r.additionalItems != nil:
			c.apply(r.additionalItems, item, place)
		}
		if r.uniqueItems && c.among(item, list[:i]) {
			c.fail(place, "is there twice")
		}
	}
}

func (c *check) object(r *rules, o map[string]any, at string) {
	for _, name := range r.required {
		if _, there := o[name]; !there {
			c.fail(at, "lacks the required property %q", name)
		}
	}
	if r.minProperties != nil && len(o) < *r.minProperties {
		c.fail(at, "has %d properties, at least %d are needed", len(o), *r.minProperties)
	}
	if r.maxProperties != nil && len(o) > *r.maxProperties {
		c.fail(at, "has %d properties, at most %d are allowed", len(o), *r.maxProperties)
	}
	for _, name := range sortedKeys(o) {
		c.property(r, name, o[name], at)
		d, there := r.dependencies[name]
		if !there {
			continue
		}
		if d.rules != nil {
			c.apply(d.rules, o, at)
		}
		for _, other := range d.names {
			if _, there := o[other]; !there {
				c.fail(at, "has %q but lacks %q", name, other)
			}
		}
	}
}

func (c *check) property(r *rules, name string, v any, at string) {
	place := at + "/" + escape(name)
	known := false
	if own := r.properties[name]; own != nil {
		known = true
		c.apply(own, v, place)
	}
	for _, p := range r.patterns {
		if p.name.MatchString(name) {
			known = true
			c.apply(p.rules, v, place)
		}
	}
	switch {
	case known:
	case r.noAdditional:
		c.fail(place, "is not among the properties allowed")
	case r.additionalProperties != nil:
		c.apply(r.additionalProperties, v, place)
	}
}

func (c *check) among(v any, list []any) bool {
	for _, one := range list {
		if c.same(v, one) {
			return true
		}
	}
	return false
}

// same is draft 4's equality: numbers by value.
func (c *check) same(a, b any) bool {
	if c.steps++; c.steps > maxSteps {
		return false
	}
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		if !ok || a == b {
			return ok
		}
		x, _ := a.Float64()
		y, _ := b.Float64()
		return x == y
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !c.same(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, v := range a {
			if other, there := b[name]; !there || !c.same(v, other) {
				return false
			}
		}
		return true
	}
	return a == b
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case json.Number:
		if !strings.ContainsAny(v.String(), ".eE") {
			return "integer" // draft 4: without a fraction or an exponent
		}
		return "number"
	}
	return "object"
}

func ofType(v any, types []string) bool {
	own := typeOf(v)
	for _, t := range types {
		if t == own || t == "number" && own == "integer" {
			return true
		}
	}
	return false
}
