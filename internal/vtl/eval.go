package vtl

import (
	"math"
	"math/big"
	"strings"
)

// maxBits bounds whole numbers, which otherwise grow with each multiplication.
const maxBits = 4096

func (l literal) eval(*run) (Value, error) { return l.value, nil }

// eval renders the text in quotes.
func (t *template) eval(r *run) (Value, error) {
	outer := r.out
	r.out = nil
	err := r.block(t.nodes)
	made := string(r.out)
	r.out = outer
	if err != nil {
		return nil, err
	}
	return made, r.charge(len(made))
}

func (l *list) eval(r *run) (Value, error) {
	made := &List{Items: make([]Value, len(l.items))}
	for i, e := range l.items {
		v, err := e.eval(r)
		if err != nil {
			return nil, err
		}
		made.Items[i] = v
	}
	return made, r.charge(16*len(l.items) + 16)
}

// eval makes a range's list, counting down when it ends below its start.
func (n *interval) eval(r *run) (Value, error) {
	from, err := n.from.eval(r)
	if err != nil {
		return nil, err
	}
	to, err := n.to.eval(r)
	if err != nil {
		return nil, err
	}
	a, okA := from.(int64)
	b, okB := to.(int64)
	if !okA || !okB {
		return nil, nil
	}
	size := math.Abs(float64(b)-float64(a)) + 1
	if size > float64(r.limits.Memory) {
		return nil, r.fail("a range of %.0f numbers is too long", size)
	}
	if err := r.charge(16 * int(size)); err != nil {
		return nil, err
	}
	made := &List{Items: make([]Value, int(size))}
	for i := range made.Items {
		made.Items[i] = a
		if a < b {
			a++
		} else {
			a--
		}
	}
	return made, nil
}

func (m *mapping) eval(r *run) (Value, error) {
	made := NewMap()
	for i := range m.keys {
		key, err := m.keys[i].eval(r)
		if err != nil {
			return nil, err
		}
		v, err := m.values[i].eval(r)
		if err != nil {
			return nil, err
		}
		k, err := r.text(key)
		if err != nil {
			return nil, err
		}
		made.Put(k, v)
	}
	return made, r.charge(48*made.Len() + 48)
}

func (n *not) eval(r *run) (Value, error) {
	v, err := n.operand.eval(r)
	return !truth(v), err
}

func (n *negative) eval(r *run) (Value, error) {
	v, err := n.operand.eval(r)
	if err != nil {
		return nil, err
	}
	r.offset = n.offset
	switch n := v.(type) {
	case float64:
		return -n, nil
	case int64, *big.Int:
		return small(new(big.Int).Neg(toBig(n))), nil
	}
	return nil, nil
}

func (b *binary) eval(r *run) (Value, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	left, err := b.left.eval(r)
	if err != nil {
		return nil, err
	}
	switch {
	case b.op == "&&" && !truth(left):
		return false, nil
	case b.op == "||" && truth(left):
		return true, nil
	}
	right, err := b.right.eval(r)
	if err != nil {
		return nil, err
	}
	r.offset = b.offset
	switch b.op {
	case "&&", "||":
		return truth(right), nil
	case "==":
		return r.equal(left, right)
	case "!=":
		same, err := r.equal(left, right)
		return !same, err
	case "<", "<=", ">", ">=":
		return less(b.op, left, right), nil
	}
	return r.arithmetic(b.op, left, right)
}

// less compares numbers; anything else compares false, as in Velocity.
func less(op string, left, right Value) bool {
	if !isNumber(left) || !isNumber(right) {
		return false
	}
	switch c := compareNumbers(left, right); op {
	case "<":
		return c == -1
	case "<=":
		return c == -1 || c == 0
	case ">":
		return c == 1
	default:
		return c == 1 || c == 0
	}
}

// arithmetic computes as Java does: whole numbers stay whole, also divided.
// "+" joins texts. What cannot be computed, and division by zero, is null.
func (r *run) arithmetic(op string, left, right Value) (Value, error) {
	_, textLeft := left.(string)
	_, textRight := right.(string)
	if op == "+" && (textLeft || textRight) && left != nil && right != nil {
		a, err := r.text(left)
		if err != nil {
			return nil, err
		}
		b, err := r.text(right)
		if err != nil {
			return nil, err
		}
		return a + b, r.charge(len(a) + len(b))
	}
	if !isNumber(left) || !isNumber(right) {
		return nil, nil
	}
	_, fa := left.(float64)
	_, fb := right.(float64)
	if fa || fb {
		return floatResult(op, toFloat(left), toFloat(right)), nil
	}
	a, b := toBig(left), toBig(right)
	if (op == "/" || op == "%") && b.Sign() == 0 {
		return nil, nil
	}
	n := new(big.Int)
	switch op {
	case "+":
		n.Add(a, b)
	case "-":
		n.Sub(a, b)
	case "*":
		n.Mul(a, b)
	case "/":
		n.Quo(a, b)
	case "%":
		n.Rem(a, b)
	}
	if n.BitLen() > maxBits {
		return nil, r.fail("a number has over %d bits", maxBits)
	}
	return small(n), nil
}

func floatResult(op string, a, b float64) Value {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		if b == 0 {
			return nil
		}
		return a / b
	}
	if b == 0 {
		return nil
	}
	return math.Mod(a, b)
}

func (f *reference) eval(r *run) (Value, error) {
	if err := r.step(); err != nil {
		return nil, err
	}
	r.offset = f.offset
	return r.follow(r.vars[f.name], f.steps)
}

// follow goes from a value through properties, methods and positions; null as
// soon as one leads nowhere.
func (r *run) follow(v Value, steps []step) (Value, error) {
	for i := range steps {
		s := &steps[i]
		if v == nil {
			return nil, nil
		}
		var err error
		switch {
		case s.index != nil:
			var key Value
			if key, err = s.index.eval(r); err == nil {
				r.offset = s.offset
				v, err = r.at(v, key)
			}
		case s.called:
			args := make([]Value, len(s.args))
			for n, e := range s.args {
				if args[n], err = e.eval(r); err != nil {
					return nil, err
				}
			}
			r.offset = s.offset
			v, err = r.call(v, s.name, args)
		default:
			v = property(v, s.name)
		}
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

// property is $value.name.
func property(v Value, name string) Value {
	switch v := v.(type) {
	case *Map:
		return v.values[name]
	case Object:
		return v.Property(name)
	case *List:
		if name == "empty" {
			return len(v.Items) == 0
		}
	case string:
		if name == "empty" {
			return v == ""
		}
	}
	return nil
}

// at is $value[key].
func (r *run) at(v, key Value) (Value, error) {
	switch v := v.(type) {
	case *List:
		if i, ok := v.position(key); ok {
			return v.Items[i], nil
		}
		if _, number := key.(int64); number {
			return nil, r.fail("there is no item %v in a list of %d", key, len(v.Items))
		}
	case *Map, Object:
		name, err := r.text(key)
		if err != nil {
			return nil, err
		}
		return property(v, name), nil
	}
	return nil, nil
}

// position is the place in the list that a key names; negative ones count from
// the end.
func (l *List) position(key Value) (int, bool) {
	n, ok := key.(int64)
	if !ok {
		return 0, false
	}
	if n < 0 {
		n += int64(len(l.Items))
	}
	return int(n), n >= 0 && n < int64(len(l.Items))
}

// call calls a method of a value. An unknown one makes the reference
// undefined.
func (r *run) call(v Value, name string, args []Value) (Value, error) {
	if o, ok := v.(Object); ok {
		result, known, err := o.Call(name, args)
		switch {
		case err != nil:
			return nil, r.fail("%s: %v", name, err)
		case known:
			return result, nil
		}
		return nil, nil
	}
	sig := signature{name, len(args)}
	var result Value
	err := errNoMethod
	switch v := v.(type) {
	case string:
		if m := stringMethods[sig]; m != nil {
			result, err = m(r, v, args)
		}
	case *List:
		if m := listMethods[sig]; m != nil {
			result, err = m(r, v, args)
		}
	case *Map:
		if m := mapMethods[sig]; m != nil {
			result, err = m(r, v, args)
		}
	case int64, float64, *big.Int:
		result, err = numberMethod(v, sig, args)
	}
	if err == errNoMethod {
		return r.commonMethod(v, sig, args)
	}
	return result, err
}

// commonMethod are the methods of every Java object.
func (r *run) commonMethod(v Value, sig signature, args []Value) (Value, error) {
	switch sig {
	case signature{"toString", 0}:
		return r.text(v)
	case signature{"equals", 1}:
		if _, text := v.(string); text != isText(args[0]) {
			return false, nil
		}
		return r.equal(v, args[0])
	case signature{"booleanValue", 0}:
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case signature{"compareTo", 1}:
		a, okA := v.(string)
		b, okB := args[0].(string)
		if okA && okB {
			return int64(strings.Compare(a, b)), nil
		}
		if isNumber(v) && isNumber(args[0]) {
			return int64(compareNumbers(v, args[0])), nil
		}
	}
	return nil, nil
}

func isText(v Value) bool {
	_, ok := v.(string)
	return ok
}
