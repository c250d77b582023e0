// Package jsonpath finds values in JSON documents by path: "$.items[0].name",
// "$..id", "$.items[?(@.price < 10)]". The language is that of the Jayway
// library, which API Gateway uses: names, positions, lists of both, slices,
// wildcards, descent, filters and length().
//
// Values stay the bytes they are in the document: a path of names and
// positions, which routes every message of a WebSocket API, costs one check of
// the document and no memory.
package jsonpath

import (
	"fmt"
	"strconv"
	"strings"
)

// Path is a parsed path. The zero value is the document itself.
type Path struct {
	steps []step
	many  bool
	size  bool // ends in .length()
}

// Definite tells whether the path leads to one value at most.
func (p Path) Definite() bool { return !p.many }

// step is one step of a path. kind says which fields count.
type step struct {
	kind    stepKind
	deep    bool // ".." before it
	name    string
	index   int
	names   []string
	indexes []int
	from    bound
	to      bound
	filter  condition
}

type stepKind byte

const (
	byName stepKind = iota
	byIndex
	byNames
	byIndexes
	bySlice
	byFilter
	every
)

// bound is one end of a slice, which may be left out.
type bound struct {
	set bool
	n   int
}

// maxPath and maxFilter bound what a path can ask for.
const (
	maxPath   = 1000
	maxFilter = 50
)

// Parse reads a path. It begins with "$", or with what would follow that:
// ".a", "[0]".
func Parse(text string) (Path, error) {
	if len(text) > maxPath {
		return Path{}, fmt.Errorf("a JSON path has at most %d characters", maxPath)
	}
	p := &parser{text: text}
	p.take("$")
	path, err := p.path(false)
	if err == nil && p.pos < len(p.text) {
		err = fmt.Errorf("%q is no JSON path", p.rest())
	}
	return path, err
}

type parser struct {
	text  string
	pos   int
	depth int
}

func (p *parser) rest() string { return p.text[p.pos:] }

func (p *parser) take(s string) bool {
	if strings.HasPrefix(p.rest(), s) {
		p.pos += len(s)
		return true
	}
	return false
}

func (p *parser) blanks() {
	for p.take(" ") {
	}
}

// path reads steps; inside of a filter it ends at what is no step.
func (p *parser) path(inside bool) (Path, error) {
	var path Path
	for p.pos < len(p.text) && !path.size {
		if c := p.text[p.pos]; c != '.' && c != '[' {
			break
		}
		if !inside && p.rest() == ".length()" {
			p.pos = len(p.text)
			path.size = true
			break
		}
		s, err := p.step()
		if err != nil {
			return Path{}, err
		}
		path.steps = append(path.steps, s)
		path.many = path.many || s.deep || s.kind > byIndex
	}
	return path, nil
}

func (p *parser) step() (step, error) {
	at := p.pos
	deep := p.take("..")
	if p.take("[") {
		s, err := p.bracket()
		s.deep = deep
		return s, err
	}
	if !deep {
		p.take(".")
	}
	if p.take("*") {
		return step{kind: every, deep: deep}, nil
	}
	n := 0
	for rest := p.rest(); n < len(rest) && isNameByte(rest[n]); {
		n++
	}
	if n == 0 {
		return step{}, fmt.Errorf("%q is no JSON path: a name must follow the dot", p.text[at:])
	}
	s := step{name: p.text[p.pos : p.pos+n], deep: deep}
	p.pos += n
	return s, nil
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c >= 0x80
}

// bracket reads what stands between brackets, and the closing one.
func (p *parser) bracket() (s step, err error) {
	p.blanks()
	switch {
	case p.take("*"):
		s.kind = every
	case p.take("?"):
		s.kind = byFilter
		if p.blanks(); !p.take("(") {
			return s, fmt.Errorf("%q: a filter is ?(…)", p.text)
		}
		if s.filter, err = p.or(); err != nil {
			return s, err
		}
		if p.blanks(); !p.take(")") {
			return s, fmt.Errorf("%q: the filter's parenthesis is not closed", p.text)
		}
	case strings.HasPrefix(p.rest(), "'"), strings.HasPrefix(p.rest(), `"`):
		s, err = p.quotedNames()
	default:
		s, err = p.positions()
	}
	if err != nil {
		return s, err
	}
	if p.blanks(); !p.take("]") {
		return s, fmt.Errorf(`%q is no JSON path: "]" is missing`, p.text)
	}
	return s, nil
}

func (p *parser) quotedNames() (step, error) {
	var names []string
	for {
		p.blanks()
		name, err := p.quoted()
		if err != nil {
			return step{}, err
		}
		names = append(names, name)
		if p.blanks(); !p.take(",") {
			break
		}
	}
	if len(names) == 1 {
		return step{name: names[0]}, nil
	}
	return step{kind: byNames, names: names}, nil
}

// quoted reads a text in single or double quotes, in which a backslash takes
// the next character as it is.
func (p *parser) quoted() (string, error) {
	if p.pos == len(p.text) || p.text[p.pos] != '\'' && p.text[p.pos] != '"' {
		return "", fmt.Errorf("%q is no JSON path: a name in quotes should be at %q", p.text, p.rest())
	}
	quote := p.text[p.pos]
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == quote:
			p.pos = i + 1
			return b.String(), nil
		case c == '\\' && i+1 < len(p.text):
			i++
			b.WriteByte(p.text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("%q is no JSON path: a quote is not closed", p.text)
}

// positions reads "0", "-1", "0,2" or "1:3".
func (p *parser) positions() (step, error) {
	first, ok := p.integer()
	p.blanks()
	if p.take(":") {
		p.blanks()
		last, _ := p.integer()
		return step{kind: bySlice, from: first, to: last}, nil
	}
	if !ok {
		inner, _, _ := strings.Cut(p.rest(), "]")
		return step{}, fmt.Errorf("[%s] is not supported in a JSON path: use a name in quotes or a position", inner)
	}
	indexes := []int{first.n}
	for p.take(",") {
		p.blanks()
		next, ok := p.integer()
		if !ok {
			return step{}, fmt.Errorf("%q is no JSON path: a position should be at %q", p.text, p.rest())
		}
		indexes = append(indexes, next.n)
		p.blanks()
	}
	if len(indexes) == 1 {
		return step{kind: byIndex, index: first.n}, nil
	}
	return step{kind: byIndexes, indexes: indexes}, nil
}

func (p *parser) integer() (bound, bool) {
	n := 0
	for rest := p.rest(); n < len(rest) && (rest[n] == '-' && n == 0 || '0' <= rest[n] && rest[n] <= '9'); {
		n++
	}
	i, err := strconv.Atoi(p.text[p.pos : p.pos+n])
	if err != nil {
		return bound{}, false
	}
	p.pos += n
	return bound{true, i}, true
}
