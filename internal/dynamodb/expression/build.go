package expression

import "github.com/suiro-dev/suiro/internal/dynamodb/attribute"

// Builder puts an expression together from its parts, for languages other than
// this package's own (PartiQL): what is built is checked and evaluated like
// what is parsed. Its errors have no parameter's name in front, because the
// expression came in none.
type Builder struct {
	b       binding
	actions []action
	nodes   []*node
}

// NewBuilder starts an expression.
func NewBuilder() *Builder { return &Builder{b: binding{expr: new(parsed)}} }

// Part is an operand, a condition or a function of an expression being built.
type Part struct{ n *node }

// Step is a step of a document path: a name or, when Name is empty, a list
// index.
type Step struct {
	Name  string
	Index int
}

// Path is a document path, which begins with a name.
type Path []Step

func (p Path) steps() path {
	steps := make(path, len(p))
	for i, s := range p {
		if steps[i] = (element{name: s.Name, slot: noSlot, index: noIndex}); s.Name == "" {
			steps[i].index = s.Index
		}
	}
	return steps
}

// Lookup finds the value at a path, the zero Value if there is none.
func (p Path) Lookup(it attribute.Item) attribute.Value {
	return new(binding).lookup(it, p.steps())
}

// Path is what an item has at a path.
func (b *Builder) Path(p Path) Part {
	steps := p.steps()
	b.b.expr.allPaths = append(b.b.expr.allPaths, steps)
	return Part{&node{op: opPath, path: steps}}
}

// Value is a value given by the request.
func (b *Builder) Value(v attribute.Value) Part {
	b.b.values = append(b.b.values, v)
	return Part{&node{op: opValue, slot: len(b.b.values) - 1}}
}

// Operator applies one of the operators that errors name: = <> < <= > >=
// BETWEEN IN AND OR NOT + -.
func (b *Builder) Operator(name string, args ...Part) Part {
	n := &node{args: nodes(args)}
	for op, known := range operatorNames {
		if known == name && known != "" {
			n.op = operation(op)
		}
	}
	b.nodes = append(b.nodes, n)
	return Part{n}
}

// IsFunction tells whether this package knows a function, written in lower
// case.
func IsFunction(name string) bool { return functions[name].function != unknownFunction }

// Call applies a function that IsFunction knows.
func (b *Builder) Call(name string, args ...Part) Part {
	n := &node{op: opFunction, name: name, function: functions[name].function, args: nodes(args)}
	b.nodes = append(b.nodes, n)
	return Part{n}
}

func nodes(parts []Part) []*node {
	list := make([]*node, len(parts))
	for i, p := range parts {
		list[i] = p.n
	}
	return list
}

// Condition is the built condition.
func (b *Builder) Condition(p Part) (*Condition, error) {
	p.n.parens = 0
	b.b.expr.condition = p.n
	message := b.check(p.n, FilterExpression)
	if message == "" {
		message = b.b.checkCondition(p.n)
	}
	if message != "" {
		return nil, attribute.Invalid(message)
	}
	return &Condition{b: &b.b}, nil
}

// check makes the checks that the parser makes of its own texts, where other
// languages can offend too.
func (b *Builder) check(condition *node, parameter Parameter) string {
	p := &parser{out: &parsed{parameter: parameter, condition: condition}, nodes: b.nodes}
	if message := p.checkFunctionNames(); message != "" {
		return message
	}
	return p.checkFunctionUse()
}

// Set assigns to a path, as SET does.
func (b *Builder) Set(p Path, v Part) { b.act(clauseSet, p, v.n) }

// Remove removes a path, as REMOVE does.
func (b *Builder) Remove(p Path) { b.act(clauseRemove, p, nil) }

// Add adds a value, given by [Builder.Value], to what a path has, as ADD does.
func (b *Builder) Add(p Path, v Part) { b.act(clauseAdd, p, v.n) }

// Delete takes the members of a set out of the set a path has, as DELETE does.
func (b *Builder) Delete(p Path, v Part) { b.act(clauseDelete, p, v.n) }

func (b *Builder) act(c clause, p Path, v *node) {
	steps := p.steps()
	b.b.expr.allPaths = append(b.b.expr.allPaths, steps)
	b.actions = append(b.actions, action{clause: c, path: steps, value: v})
}

// Update is the built update.
func (b *Builder) Update() (*Update, error) {
	b.b.expr.actions = b.actions
	b.b.expr.parameter = UpdateExpression
	message := b.check(nil, UpdateExpression)
	if message == "" {
		message = b.b.checkUpdate(attribute.Old)
	}
	if message != "" {
		return nil, attribute.Invalid(message)
	}
	return newUpdate(&b.b), nil
}
