package variable

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Call is one question to a source, with all variables in it answered.
type Call struct {
	Params  []string
	Address string
	// Raw is the source with its address, as the user would write it:
	// "cf:stack.Out", "file(./a.yml):b".
	Raw string
	// Pos is where the variable stands.
	Pos diag.Position
	// Last tells that no fallback follows.
	Last bool
}

// Func answers a Call. The value may itself hold variables. No value (nil or
// null) lets the next fallback try; so does an *Absent error, which says what
// the user can do about it. Any other error ends the resolution.
type Func func(ctx context.Context, c Call) (*document.Node, error)

// Absent is a source's answer that it has no such value.
type Absent struct{ Text, Hint string }

func (a *Absent) Error() string { return a.Text }

// maxSteps bounds how often values that hold variables may lead to others.
const maxSteps = 100

// Resolver resolves the variables of one configuration. Values are resolved
// when something asks for them and only once, so that parts may refer to each
// other in any order. It is not safe for concurrent use.
type Resolver struct {
	// Messages collects what went wrong.
	Messages diag.List

	root    *document.Node
	sources map[string]Func
	shallow map[*document.Node]*document.Node // value of a string node, inner variables unresolved
	deep    map[*document.Node]*document.Node // value of a node, everything resolved
	failed  map[*document.Node]error          // strings that have no value: said once
	opening map[*document.Node]bool           // strings whose shallow value is being computed
	within  map[*document.Node]bool           // nodes being resolved deeply
	path    []string                          // property being resolved, for messages
	steps   int
}

// New makes a resolver of the tree root. The source "self" is built in.
func New(root *document.Node, sources map[string]Func) *Resolver {
	r := &Resolver{
		root: root, sources: map[string]Func{},
		shallow: map[*document.Node]*document.Node{}, deep: map[*document.Node]*document.Node{},
		failed: map[*document.Node]error{}, opening: map[*document.Node]bool{}, within: map[*document.Node]bool{},
	}
	for name, f := range sources {
		r.sources[name] = f
	}
	r.sources["self"] = func(ctx context.Context, c Call) (*document.Node, error) {
		n, err := r.Lookup(ctx, Keys(c.Address))
		if name := n.Get("name"); c.Address == "service" && name != nil {
			return name, err // version 1 wrote service: {name: …}; ${self:service} was the name
		}
		return n, err
	}
	return r
}

// Keys cuts the dotted address of a property into its keys.
func Keys(address string) []string {
	if address == "" {
		return nil
	}
	return strings.Split(address, ".")
}

// Resolve returns the whole configuration without variables.
func (r *Resolver) Resolve(ctx context.Context) *document.Node { return r.resolve(ctx, r.root) }

// Property returns one property without variables, or nil.
func (r *Resolver) Property(ctx context.Context, keys ...string) *document.Node {
	n, err := r.Lookup(ctx, keys)
	if err != nil {
		r.report(n.Position(), err)
		return nil
	}
	if n == nil {
		return nil
	}
	return r.resolve(ctx, n)
}

// Evaluate resolves text as if it stood in the configuration at a position;
// code in the configuration asks for variables this way.
func (r *Resolver) Evaluate(ctx context.Context, text string, at diag.Position) (*document.Node, error) {
	n := document.Str(text, at)
	before := len(r.Messages)
	v := r.resolve(ctx, n)
	if len(r.Messages) > before {
		m := r.Messages[before]
		return nil, m
	}
	return v, nil
}

// Lookup walks from the root along keys and returns what is there, variables
// inside it unresolved, or nil.
func (r *Resolver) Lookup(ctx context.Context, keys []string) (*document.Node, error) {
	return r.Walk(ctx, r.root, keys)
}

// Walk is Lookup from another node, such as a file's content.
func (r *Resolver) Walk(ctx context.Context, n *document.Node, keys []string) (*document.Node, error) {
	for _, key := range keys {
		v, err := r.value(ctx, n)
		if err != nil {
			return nil, err
		}
		n = child(v, key)
		if n == nil {
			return nil, nil
		}
	}
	return n, nil
}

// child is a member of a map or an item of a list, or nil.
func child(n *document.Node, key string) *document.Node {
	if n == nil {
		return nil
	}
	if n.Kind == document.List {
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(n.Items) {
			return n.Items[i]
		}
		return nil
	}
	return n.Get(key)
}

// resolve returns n with every variable in it resolved. What fails becomes
// null and a message.
func (r *Resolver) resolve(ctx context.Context, n *document.Node) *document.Node {
	if n == nil {
		return nil
	}
	if done, ok := r.deep[n]; ok {
		return done
	}
	if n.Kind == document.String && Plain(n.Text) {
		return n
	}
	if r.within[n] {
		r.report(n.Pos, errors.New("the value contains itself"))
		return &document.Node{Kind: document.Null, Pos: n.Pos}
	}
	r.within[n] = true
	out := r.resolveOnce(ctx, n)
	delete(r.within, n)
	r.deep[n] = out
	return out
}

// resolveOnce is resolve without the memory.
func (r *Resolver) resolveOnce(ctx context.Context, n *document.Node) *document.Node {
	switch n.Kind {
	case document.String:
		v, err := r.value(ctx, n)
		if err != nil {
			r.report(n.Pos, err)
			return &document.Node{Kind: document.Null, Pos: n.Pos}
		}
		if v == n {
			return n
		}
		return r.resolve(ctx, v)
	case document.List:
		out := &document.Node{Kind: document.List, Pos: n.Pos, Items: make([]*document.Node, len(n.Items))}
		for i, it := range n.Items {
			r.path = append(r.path, strconv.Itoa(i))
			out.Items[i] = r.resolve(ctx, it)
			r.path = r.path[:len(r.path)-1]
		}
		return out
	case document.Map:
		out := &document.Node{Kind: document.Map, Pos: n.Pos, Members: make([]document.Member, len(n.Members))}
		for i, m := range n.Members {
			r.path = append(r.path, m.Key)
			out.Members[i] = document.Member{Key: m.Key, KeyPos: m.KeyPos, Value: r.resolve(ctx, m.Value)}
			r.path = r.path[:len(r.path)-1]
		}
		return out
	}
	return n
}

// report adds a message about the property being resolved, once.
func (r *Resolver) report(at diag.Position, err error) {
	var known *diag.Message
	if errors.As(err, &known) {
		for _, m := range r.Messages {
			if m == known {
				return
			}
		}
		if known.Key == "" {
			known.Key = strings.Join(r.path, ".")
		}
		r.Messages.Add(known)
		return
	}
	m := diag.Errorf(at, strings.Join(r.path, "."), "%s", err)
	var a *Absent
	if errors.As(err, &a) {
		m.Hint = a.Hint
	}
	r.Messages.Add(m)
}

// Warn adds a warning about the property being resolved.
func (r *Resolver) Warn(at diag.Position, format string, args ...any) {
	r.Messages.Add(diag.Warningf(at, strings.Join(r.path, "."), format, args...))
}

// value returns what a node stands for: itself, or for a string with
// variables what they say. Maps and lists in the answer are not resolved.
func (r *Resolver) value(ctx context.Context, n *document.Node) (*document.Node, error) {
	if n == nil || n.Kind != document.String || Plain(n.Text) {
		return n, nil
	}
	if done, ok := r.shallow[n]; ok {
		return done, nil
	}
	if err, ok := r.failed[n]; ok {
		return nil, err
	}
	if r.opening[n] {
		return nil, diag.Errorf(n.Pos, "", "the value of %q depends on itself", n.Text)
	}
	if r.steps++; r.steps > maxSteps {
		r.steps--
		return nil, diag.Errorf(n.Pos, "", "variables lead to more than %d others in a row", maxSteps)
	}
	r.opening[n] = true
	v, err := r.evaluate(ctx, n)
	delete(r.opening, n)
	r.steps--
	if err != nil {
		r.failed[n] = err
		return nil, err
	}
	r.shallow[n] = v
	return v, nil
}

// evaluate computes the value of a text with variables. A text that is one
// variable becomes its value, of whatever type; any other stays text.
func (r *Resolver) evaluate(ctx context.Context, n *document.Node) (*document.Node, error) {
	t, err := Parse(n.Text)
	if err != nil {
		return nil, r.syntax(n, err)
	}
	if v := t.whole(); v != nil {
		found, err := r.variable(ctx, v, n.Pos)
		if err != nil {
			return nil, err
		}
		return r.value(ctx, found)
	}
	s, err := r.text(ctx, t, n.Pos)
	if err != nil {
		return nil, err
	}
	out := document.Str(s, n.Pos)
	// What came out is text, also where it looks like a variable: an escape.
	r.shallow[out], r.deep[out] = out, out
	return out, nil
}

// syntax points at the offending character where the text is a plain one.
func (r *Resolver) syntax(n *document.Node, err error) error {
	at := n.Pos
	var se *SyntaxError
	if errors.As(err, &se) {
		return diag.Errorf(at, "", "in %q, %s", n.Text, se).
			WithHint(`a variable is ${source:address, fallback}; write \${ for the text ${`)
	}
	return err
}

// text resolves the variables of t into one string.
func (r *Resolver) text(ctx context.Context, t Text, at diag.Position) (string, error) {
	var b strings.Builder
	for _, p := range t {
		if p.Variable == nil {
			b.WriteString(p.Literal)
			continue
		}
		n, err := r.variable(ctx, p.Variable, at)
		if err != nil {
			return "", err
		}
		if n, err = r.value(ctx, n); err != nil {
			return "", err
		}
		s, ok := n.Scalar()
		if !ok {
			return "", diag.Errorf(at, "", "${%s} is %s, which cannot stand inside text", p.Variable.Raw, kindOf(n))
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// kindOf names what cannot stand inside text.
func kindOf(n *document.Node) string {
	switch {
	case n.IsNull():
		return "null"
	case n.Kind == document.List:
		return "a list"
	}
	return "an object"
}

// variable tries the sources of v in order.
func (r *Resolver) variable(ctx context.Context, v *Variable, at diag.Position) (*document.Node, error) {
	var why error
	for i, src := range v.Sources {
		if src.Literal != nil {
			lit := *src.Literal
			lit.Pos = at
			return &lit, nil
		}
		n, err := r.ask(ctx, src, at, i == len(v.Sources)-1)
		var absent *Absent
		switch {
		case errors.As(err, &absent):
			if why == nil {
				why = absent
			}
		case err != nil:
			return nil, err
		case !n.IsNull():
			return n, nil
		}
	}
	m := diag.Errorf(at, "", "${%s} has no value", v.Raw)
	if a, ok := why.(*Absent); ok {
		m.Text += ": " + a.Text
		m.Hint = a.Hint
	} else if len(v.Sources) == 1 {
		m.Hint = "give it a fallback: ${" + v.Raw + ", 'value'}"
	}
	return nil, m
}

// ask puts one source's question, after answering the variables in it.
func (r *Resolver) ask(ctx context.Context, src Source, at diag.Position, last bool) (*document.Node, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := Call{Pos: at, Last: last}
	for _, p := range src.Params {
		s, err := r.text(ctx, p, at)
		if err != nil {
			return nil, err
		}
		c.Params = append(c.Params, s)
	}
	addr, err := r.text(ctx, src.Address, at)
	if err != nil {
		return nil, err
	}
	c.Address = addr
	c.Raw = rawCall(src.Type, c)
	f := r.sources[src.Type]
	if f == nil {
		return nil, diag.Errorf(at, "", "${%s}: there is no variable source %q", src.Raw, src.Type).
			WithHint("Suiro knows %s", strings.Join(r.names(), ", "))
	}
	n, err := f(ctx, c)
	if err != nil && !errors.As(err, new(*Absent)) && !errors.As(err, new(*diag.Message)) {
		return nil, diag.Errorf(at, "", "${%s}: %v", src.Raw, err)
	}
	return n, err
}

// rawCall writes a call as the user would have, its variables answered.
func rawCall(kind string, c Call) string {
	var b strings.Builder
	b.WriteString(kind)
	if c.Params != nil {
		fmt.Fprintf(&b, "(%s)", strings.Join(c.Params, ", "))
	}
	if c.Address != "" || c.Params == nil {
		b.WriteString(":" + c.Address)
	}
	return b.String()
}

// names lists the sources.
func (r *Resolver) names() []string {
	var out []string
	for name := range r.sources {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}
