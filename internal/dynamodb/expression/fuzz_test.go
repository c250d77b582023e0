package expression

import (
	"strconv"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// printer writes a parsed expression back.
type printer struct {
	strings.Builder
	e *parsed
}

func (e *parsed) print() string {
	p := &printer{e: e}
	switch e.parameter {
	case UpdateExpression:
		p.update()
	case ProjectionExpression:
		for i, steps := range e.paths {
			p.comma(i)
			p.path(steps)
		}
	default:
		p.node(e.condition)
	}
	return p.String()
}

func (p *printer) comma(i int) {
	if i > 0 {
		p.WriteString(", ")
	}
}

func (p *printer) update() {
	for i, a := range p.e.actions {
		if i > 0 && p.e.actions[i-1].clause == a.clause {
			p.WriteString(", ")
		} else {
			p.WriteString(" " + clauseNames[a.clause] + " ")
		}
		p.path(a.path)
		if a.clause == clauseSet {
			p.WriteString(" =")
		}
		if a.value != nil {
			p.WriteString(" ")
			p.node(a.value)
		}
	}
}

func (p *printer) path(steps path) {
	for i, e := range steps {
		switch {
		case e.isIndex():
			p.WriteString("[" + strconv.Itoa(e.index) + "]")
			continue
		case i > 0:
			p.WriteString(".")
		}
		p.WriteString(e.name)
	}
}

func (p *printer) node(n *node) {
	p.WriteString(strings.Repeat("(", n.parens))
	switch n.op {
	case opPath:
		p.path(n.path)
	case opValue:
		p.WriteString(p.e.values[n.slot])
	case opFunction:
		p.WriteString(n.name)
		p.list(n.args)
	case opNot:
		p.WriteString("NOT ")
		p.node(n.args[0])
	case opIn:
		p.node(n.args[0])
		p.WriteString(" IN ")
		p.list(n.args[1:])
	case opBetween:
		p.node(n.args[0])
		p.WriteString(" BETWEEN ")
		p.node(n.args[1])
		p.WriteString(" AND ")
		p.node(n.args[2])
	default:
		p.node(n.args[0])
		p.WriteString(" " + operatorNames[n.op] + " ")
		p.node(n.args[1])
	}
	p.WriteString(strings.Repeat(")", n.parens))
}

func (p *printer) list(args []*node) {
	p.WriteString("(")
	for i, a := range args {
		p.comma(i)
		p.node(a)
	}
	p.WriteString(")")
}

// checkText parses a text, prints and parses it again, and uses it.
func checkText(t *testing.T, parameter Parameter, text string) {
	e, message := parse(parameter, text)
	if message != "" {
		return
	}
	printed := e.print()
	if len(printed) > maxExpressionSize {
		return // spaces make it too long
	}
	again, message := parse(parameter, printed)
	if message != "" {
		t.Fatalf("%q was printed as %q: %s", text, printed, message)
	}
	if again.print() != printed || again.deferred != e.deferred && e.deferred == "" {
		t.Fatalf("%q became %q, then %q", text, printed, again.print())
	}
	use(t, parameter, text)
}

// use compiles a text that has placeholders for all it mentions and applies
// it, which must never panic.
func use(t *testing.T, parameter Parameter, text string) {
	r := request(t, parameter, text)
	compiled, err := NewCompiler(1).Compile(r)
	if err != nil {
		return
	}
	it := item(t, `{"a":{"M":{"b":{"L":[{"N":"1"},{"S":"x"}]}}},"b":{"N":"2"},"x.y":{"SS":["a","b"]},"l":{"L":[{"L":[]},{"M":{}}]}}`)
	for _, old := range []attribute.Item{it, nil} {
		compiled.Condition.Eval(old)
		compiled.Filter.Eval(old)
		compiled.Projection.Apply(old)
		if updated, err := compiled.Update.Apply(old, it.Only("b")); err == nil {
			compiled.Update.UpdatedOld(old)
			compiled.Update.UpdatedNew(updated)
			for _, a := range updated {
				if !a.Value.Exists() {
					t.Fatalf("%q leaves %q without a value", text, a.Name)
				}
			}
		}
	}
	_ = compiled.CheckKeys([]string{"b"}, []string{"a"})
	if compiled.KeyCondition != nil {
		_, _ = compiled.KeyCondition.For(schema("a:S b:N | c:S d:N"))
	}
}

func FuzzCondition(f *testing.F) {
	for _, s := range []string{"a = :n", "NOT (a.b[0] < :s OR contains(#a, :s)) AND size(b) BETWEEN :n AND :n5", "a IN (:n, b, size(c))",
		"((a))=b", "begins_with(a,:s)", "a = = b", "attribute_type(a, :s) and attribute_exists(#x)", "NOT NOT a <> :t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkText(t, ConditionExpression, text)
		checkText(t, KeyConditionExpression, text)
	})
}

func FuzzUpdate(f *testing.F) {
	for _, s := range []string{"SET a = :n, a.b[1] = b + (:n) REMOVE #x ADD b :n DELETE c :ss", "set a=if_not_exists(b,:l)", "SET l[0][3] = list_append(l[0], :l), l[7] = :n",
		"REMOVE a.b[0], l[1]", "SET a = ((b) - :n5)", "ADD a :ns, b :n", "SET set = :n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { checkText(t, UpdateExpression, text) })
}

func FuzzProjection(f *testing.F) {
	for _, s := range []string{"a", "a.b[0].#a, l[1], #x", "a[", "a.name", "#a,#a2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) { checkText(t, ProjectionExpression, text) })
}
