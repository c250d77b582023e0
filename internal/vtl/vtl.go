// Package vtl is the Velocity Template Language as AWS uses it: mapping
// templates of API Gateway, resolvers of AppSync.
//
// [Parse] makes a [Template] of a text once; [Template.Render] runs it with
// variables, as often and from as many goroutines as one likes. The language
// is that of the Velocity 1.7 user guide, whose behaviour API Gateway shows:
// a condition is false for null and false only, a directive takes the rest of
// its line with it when that is blank, and a reference to nothing prints
// itself. Differences that a template could notice are said where they are.
//
// A template is the user's, so a run is bounded in every direction ([Limits]):
// time, memory and depth. What it cannot do fails with a position.
package vtl

import (
	"fmt"
	"strings"
)

// Template is a parsed template. It never changes.
type Template struct {
	text   string
	nodes  []node
	macros map[string]*macro
}

// Error is a template that cannot be read, or one that failed while it ran.
type Error struct {
	Line, Column int // from 1, in the template's text
	Text         string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Text)
}

// Limits bound a run. Zero values are the limits of [DefaultLimits].
type Limits struct {
	Output     int // bytes of text
	Iterations int // of one #foreach
	Steps      int // things evaluated
	Memory     int // bytes of text and collections made on the way
	Depth      int // calls of macros within calls
}

// DefaultLimits is enough for what a template can sensibly do, and takes well
// under a second to use up. The iterations are a quota of API Gateway.
func DefaultLimits() Limits {
	return Limits{Output: 10 << 20, Iterations: 1000, Steps: 2_000_000, Memory: 32 << 20, Depth: 64}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	for _, f := range []struct {
		set  *int
		zero int
	}{{&l.Output, d.Output}, {&l.Iterations, d.Iterations}, {&l.Steps, d.Steps}, {&l.Memory, d.Memory}, {&l.Depth, d.Depth}} {
		if *f.set <= 0 {
			*f.set = f.zero
		}
	}
	return l
}

// Output is what a run leads to.
type Output struct {
	Text string
	// Returned: #return ended the run, with Value, which may be nil.
	Returned bool
	Value    Value
}

// Render runs the template. What it sets stays in vars.
func (t *Template) Render(vars map[string]Value, limits Limits) (*Output, error) {
	r := &run{template: t, vars: vars, limits: limits.orDefault()}
	if r.vars == nil {
		r.vars = map[string]Value{}
	}
	if err := r.block(t.nodes); err != nil && err != errBreak && err != errStop {
		return nil, err
	}
	return &Output{Text: string(r.out), Returned: r.returned, Value: r.value}, nil
}

// Constant returns the text that every run leads to, when the template has
// nothing in it that depends on anything.
func (t *Template) Constant() (string, bool) {
	var all strings.Builder
	for _, n := range t.nodes {
		s, ok := n.(text)
		if !ok {
			return "", false
		}
		all.WriteString(string(s))
	}
	return all.String(), all.Len() <= DefaultLimits().Output
}

// errorAt makes an error of an offset in a text.
func errorAt(text string, offset int, format string, args ...any) *Error {
	offset = min(max(offset, 0), len(text))
	before := text[:offset]
	return &Error{
		Line:   strings.Count(before, "\n") + 1,
		Column: offset - strings.LastIndexByte(before, '\n'),
		Text:   fmt.Sprintf(format, args...),
	}
}
