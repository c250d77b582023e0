// Package jsonschema validates JSON documents against schemas of draft 4,
// which the models of API Gateway are written in: every keyword of validation,
// and references within the schema. "format" says nothing here, as draft 4
// leaves it to each validator.
package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Schema is a parsed schema. It never changes.
type Schema struct{ root *rules }

// rules is one schema, or a part of one. Nil pointers, maps and lists are
// keywords that are not there.
type rules struct {
	ref *rules // $ref: nothing else of the object counts

	types []string
	enum  []any

	minimum, maximum, multipleOf       *float64
	exclusiveMinimum, exclusiveMaximum bool

	minLength, maxLength *int
	pattern              *regexp.Regexp

	items                *rules // of every item
	tuple                []*rules
	additionalItems      *rules
	noAdditionalItems    bool
	minItems, maxItems   *int
	uniqueItems          bool
	properties           map[string]*rules
	patterns             []patternRules
	additionalProperties *rules
	noAdditional         bool
	required             []string
	minProperties        *int
	maxProperties        *int
	dependencies         map[string]dependency

	allOf, anyOf, oneOf []*rules
	not                 *rules
}

type patternRules struct {
	name  *regexp.Regexp
	rules *rules
}

// dependency is what a property asks for: others, or a schema.
type dependency struct {
	names []string
	rules *rules
}

const (
	maxDepth = 64 // of schemas within one another
	maxRules = 10_000
)

// Parse reads a schema. The error says where in it, as a JSON pointer.
func Parse(doc []byte) (*Schema, error) {
	root, err := decode(doc)
	if err != nil {
		return nil, err
	}
	p := &parser{doc: root, made: map[string]*rules{}}
	r, err := p.at("#", root)
	if err != nil {
		return nil, err
	}
	for _, made := range p.made {
		slow, fast := made, made.ref
		for fast != nil && fast.ref != nil {
			if slow, fast = slow.ref, fast.ref.ref; slow == fast {
				return nil, errors.New("a $ref leads back to itself")
			}
		}
	}
	return &Schema{r}, nil
}

func decode(doc []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading JSON: text after the first value")
	}
	return v, nil
}

type parser struct {
	doc   any
	made  map[string]*rules // by pointer
	depth int
}

// at parses the schema at a pointer, once.
func (p *parser) at(pointer string, v any) (*rules, error) {
	if r := p.made[pointer]; r != nil {
		return r, nil
	}
	if p.depth++; p.depth > maxDepth || len(p.made) > maxRules {
		return nil, fmt.Errorf("%s: schemas are nested over %d levels", pointer, maxDepth)
	}
	defer func() { p.depth-- }()
	object, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: a schema is an object", pointer)
	}
	r := &rules{}
	p.made[pointer] = r
	if ref, ok := object["$ref"].(string); ok {
		target, err := p.resolve(ref)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", pointer, err)
		}
		r.ref, err = p.at(ref, target)
		return r, err
	}
	k := &keywords{parser: p, pointer: pointer, object: object, to: r}
	for _, read := range []func(){k.general, k.numbers, k.texts, k.lists, k.objects, k.combined} {
		if read(); k.err != nil {
			return nil, k.err
		}
	}
	return r, nil
}

// resolve finds what a local reference, "#/definitions/x", leads to.
func (p *parser) resolve(ref string) (any, error) {
	rest, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil, fmt.Errorf("$ref %q: only references within the schema are followed", ref)
	}
	v := p.doc
	for rest != "" {
		var name string
		if rest, ok = strings.CutPrefix(rest, "/"); !ok {
			return nil, fmt.Errorf("$ref %q is no JSON pointer", ref)
		}
		name, rest, _ = cutBefore(rest)
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		switch in := v.(type) {
		case map[string]any:
			v, ok = in[name]
		case []any:
			var i int
			var err error
			if i, err = strconv.Atoi(name); err == nil && i >= 0 && i < len(in) {
				v, ok = in[i], true
			} else {
				ok = false
			}
		default:
			ok = false
		}
		if !ok {
			return nil, fmt.Errorf("$ref %q leads nowhere", ref)
		}
	}
	return v, nil
}

// cutBefore cuts at the next slash, which stays with the rest.
func cutBefore(s string) (before, rest string, found bool) {
	if i := strings.IndexByte(s, '/'); i >= 0 {
		return s[:i], s[i:], true
	}
	return s, "", false
}

// keywords reads one schema's keywords; the first mistake stays in err.
type keywords struct {
	parser  *parser
	pointer string
	object  map[string]any
	to      *rules
	err     error
}

func (k *keywords) fail(keyword, format string, args ...any) {
	if k.err == nil {
		k.err = fmt.Errorf("%s/%s: %s", k.pointer, keyword, fmt.Sprintf(format, args...))
	}
}

func (k *keywords) general() {
	switch t := k.object["type"].(type) {
	case nil:
	case string:
		k.to.types = []string{t}
	case []any:
		k.to.types = k.names("type", t)
	default:
		k.fail("type", "a type is a name or a list of names")
	}
	for _, t := range k.to.types {
		if !slices.Contains([]string{"array", "boolean", "integer", "null", "number", "object", "string"}, t) {
			k.fail("type", "%q is no type", t)
		}
	}
	if v, there := k.object["enum"]; there {
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			k.fail("enum", "it is a list of values")
		}
		k.to.enum = list
	}
}

func (k *keywords) numbers() {
	k.to.minimum, k.to.maximum = k.number("minimum"), k.number("maximum")
	k.to.exclusiveMinimum, k.to.exclusiveMaximum = k.truth("exclusiveMinimum"), k.truth("exclusiveMaximum")
	if k.to.multipleOf = k.number("multipleOf"); k.to.multipleOf != nil && *k.to.multipleOf <= 0 {
		k.fail("multipleOf", "it is greater than zero")
	}
}

func (k *keywords) texts() {
	k.to.minLength, k.to.maxLength = k.count("minLength"), k.count("maxLength")
	if v, there := k.object["pattern"]; there {
		text, ok := v.(string)
		if !ok {
			k.fail("pattern", "it is a text")
		}
		k.to.pattern = k.regexp("pattern", text)
	}
}

func (k *keywords) regexp(keyword, text string) *regexp.Regexp {
	if len(text) > 1000 {
		k.fail(keyword, "a pattern has at most 1000 characters")
		return nil
	}
	re, err := regexp.Compile(text)
	if err != nil {
		k.fail(keyword, "%q cannot be run: %v", text, err)
	}
	return re
}

func (k *keywords) lists() {
	switch items := k.object["items"].(type) {
	case []any:
		k.to.tuple = k.schemas("items")
	case nil:
	default:
		k.to.items = k.schema("items", items)
	}
	k.to.additionalItems, k.to.noAdditionalItems = k.additional("additionalItems")
	k.to.minItems, k.to.maxItems = k.count("minItems"), k.count("maxItems")
	k.to.uniqueItems = k.truth("uniqueItems")
}

func (k *keywords) objects() {
	k.to.properties = k.schemaMap("properties")
	patterns := k.schemaMap("patternProperties")
	for _, name := range sortedKeys(patterns) {
		k.to.patterns = append(k.to.patterns, patternRules{k.regexp("patternProperties", name), patterns[name]})
	}
	k.to.additionalProperties, k.to.noAdditional = k.additional("additionalProperties")
	k.to.minProperties, k.to.maxProperties = k.count("minProperties"), k.count("maxProperties")
	k.schemaMap("definitions") // says what is wrong with what nothing refers to
	switch list := k.object["required"].(type) {
	case nil:
	case []any:
		k.to.required = k.names("required", list)
	default:
		k.fail("required", "draft 4 has a list of names here, beside properties")
	}
	dependencies, _ := k.object["dependencies"].(map[string]any)
	for _, name := range sortedKeys(dependencies) {
		if k.to.dependencies == nil {
			k.to.dependencies = map[string]dependency{}
		}
		if list, ok := dependencies[name].([]any); ok {
			k.to.dependencies[name] = dependency{names: k.names("dependencies", list)}
		} else {
			k.to.dependencies[name] = dependency{rules: k.schema("dependencies/"+escape(name), dependencies[name])}
		}
	}
}

func (k *keywords) combined() {
	k.to.allOf, k.to.anyOf, k.to.oneOf = k.schemas("allOf"), k.schemas("anyOf"), k.schemas("oneOf")
	if v, there := k.object["not"]; there {
		k.to.not = k.schema("not", v)
	}
}

func (k *keywords) schema(path string, v any) *rules {
	if k.err != nil {
		return nil
	}
	r, err := k.parser.at(k.pointer+"/"+path, v)
	if err != nil {
		k.err = err
	}
	return r
}

func (k *keywords) schemas(keyword string) []*rules {
	v, there := k.object[keyword]
	if !there {
		return nil
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		k.fail(keyword, "it is a list of schemas")
		return nil
	}
	all := make([]*rules, len(list))
	for i, one := range list {
		all[i] = k.schema(keyword+"/"+strconv.Itoa(i), one)
	}
	return all
}

func (k *keywords) schemaMap(keyword string) map[string]*rules {
	v, there := k.object[keyword]
	if !there {
		return nil
	}
	object, ok := v.(map[string]any)
	if !ok {
		k.fail(keyword, "it is an object with schemas")
		return nil
	}
	all := map[string]*rules{}
	for _, name := range sortedKeys(object) {
		all[name] = k.schema(keyword+"/"+escape(name), object[name])
	}
	return all
}

// additional reads a keyword that is a boolean or a schema.
func (k *keywords) additional(keyword string) (r *rules, none bool) {
	switch v := k.object[keyword].(type) {
	case nil:
		return nil, false
	case bool:
		return nil, !v
	default:
		return k.schema(keyword, v), false
	}
}

func (k *keywords) number(keyword string) *float64 {
	v, there := k.object[keyword]
	if !there {
		return nil
	}
	n, ok := v.(json.Number)
	f, err := n.Float64()
	if !ok || err != nil {
		k.fail(keyword, "it is a number")
	}
	return &f
}

func (k *keywords) count(keyword string) *int {
	f := k.number(keyword)
	if f == nil || k.err != nil {
		return nil
	}
	n := int(*f)
	if float64(n) != *f || n < 0 {
		k.fail(keyword, "it is a whole number from zero on")
	}
	return &n
}

func (k *keywords) truth(keyword string) bool {
	v, there := k.object[keyword]
	b, ok := v.(bool)
	if there && !ok {
		k.fail(keyword, "draft 4 has true or false here")
	}
	return b
}

func (k *keywords) names(keyword string, list []any) []string {
	names := make([]string, len(list))
	for i, v := range list {
		name, ok := v.(string)
		if !ok {
			k.fail(keyword, "it is a list of names")
		}
		names[i] = name
	}
	return names
}

func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
