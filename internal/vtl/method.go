package vtl

import (
	"errors"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// signature names a method as Java tells methods apart here: by name and
// number of arguments.
type signature struct {
	name  string
	arity int
}

// errNoMethod: there is no such method for arguments of these kinds.
var errNoMethod = errors.New("no such method")

type (
	stringMethod = func(r *run, s string, args []Value) (Value, error)
	listMethod   = func(r *run, l *List, args []Value) (Value, error)
	mapMethod    = func(r *run, m *Map, args []Value) (Value, error)
)

var listMethods = map[signature]listMethod{
	{"size", 0}:        func(_ *run, l *List, _ []Value) (Value, error) { return int64(len(l.Items)), nil },
	{"isEmpty", 0}:     func(_ *run, l *List, _ []Value) (Value, error) { return len(l.Items) == 0, nil },
	{"get", 1}:         listGet,
	{"set", 2}:         listSet,
	{"add", 1}:         func(r *run, l *List, a []Value) (Value, error) { return true, r.insert(l, len(l.Items), a[0]) },
	{"add", 2}:         listInsert,
	{"addAll", 1}:      listAddAll,
	{"remove", 1}:      listRemove,
	{"removeAll", 1}:   func(r *run, l *List, a []Value) (Value, error) { return r.filter(l, a[0], false) },
	{"retainAll", 1}:   func(r *run, l *List, a []Value) (Value, error) { return r.filter(l, a[0], true) },
	{"contains", 1}:    func(r *run, l *List, a []Value) (Value, error) { i, err := r.indexOf(l, a[0]); return i >= 0, err },
	{"indexOf", 1}:     func(r *run, l *List, a []Value) (Value, error) { i, err := r.indexOf(l, a[0]); return int64(i), err },
	{"containsAll", 1}: listContainsAll,
	{"subList", 2}:     listSub,
	{"clear", 0}: func(_ *run, l *List, _ []Value) (Value, error) {
		l.Items = nil
		return nil, nil
	},
	{"iterator", 0}: func(_ *run, l *List, _ []Value) (Value, error) { return l, nil },
	{"toArray", 0}:  func(_ *run, l *List, _ []Value) (Value, error) { return l, nil },
}

// exact is a list's place for a Java method, where a place that is not there
// is an exception.
func (r *run) exact(l *List, v Value, last int) (int, error) {
	n, ok := v.(int64)
	if !ok {
		return 0, errNoMethod
	}
	if n < 0 || n > int64(last) {
		return 0, r.fail("there is no item %d in a list of %d", n, len(l.Items))
	}
	return int(n), nil
}

func listGet(r *run, l *List, a []Value) (Value, error) {
	i, err := r.exact(l, a[0], len(l.Items)-1)
	if err != nil {
		return nil, err
	}
	return l.Items[i], nil
}

func listSet(r *run, l *List, a []Value) (Value, error) {
	i, err := r.exact(l, a[0], len(l.Items)-1)
	if err != nil {
		return nil, err
	}
	old := l.Items[i]
	l.Items[i] = a[1]
	return old, nil
}

func listInsert(r *run, l *List, a []Value) (Value, error) {
	i, err := r.exact(l, a[0], len(l.Items))
	if err != nil {
		return nil, err
	}
	return nil, r.insert(l, i, a[1])
}

func (r *run) insert(l *List, i int, v ...Value) error {
	// A new array: a #foreach may be going through the old one.
	l.Items = slices.Insert(slices.Clip(l.Items), i, v...)
	return r.charge(16 * len(v))
}

func listAddAll(r *run, l *List, a []Value) (Value, error) {
	more, ok := a[0].(*List)
	if !ok {
		return nil, errNoMethod
	}
	return len(more.Items) > 0, r.insert(l, len(l.Items), more.Items...)
}

// listRemove takes a place with a number, else the first equal item, as Java's
// overloads do.
func listRemove(r *run, l *List, a []Value) (Value, error) {
	if _, number := a[0].(int64); number {
		i, err := r.exact(l, a[0], len(l.Items)-1)
		if err != nil {
			return nil, err
		}
		old := l.Items[i]
		l.Items = slices.Delete(slices.Clone(l.Items), i, i+1)
		return old, r.charge(16 * len(l.Items))
	}
	i, err := r.indexOf(l, a[0])
	if i < 0 || err != nil {
		return false, err
	}
	l.Items = slices.Delete(slices.Clone(l.Items), i, i+1)
	return true, r.charge(16 * len(l.Items))
}

func (r *run) indexOf(l *List, v Value) (int, error) {
	for i, item := range l.Items {
		if err := r.step(); err != nil {
			return -1, err
		}
		if isText(item) != isText(v) {
			continue
		}
		if same, err := r.equal(item, v); same || err != nil {
			return i, err
		}
	}
	return -1, nil
}

// filter keeps what is in the other list, or what is not.
func (r *run) filter(l *List, v Value, keep bool) (Value, error) {
	other, ok := v.(*List)
	if !ok {
		return nil, errNoMethod
	}
	var kept []Value
	for _, item := range l.Items {
		i, err := r.indexOf(other, item)
		if err != nil {
			return nil, err
		}
		if (i >= 0) == keep {
			kept = append(kept, item)
		}
	}
	changed := len(kept) != len(l.Items)
	l.Items = kept
	return changed, r.charge(16 * len(kept))
}

func listContainsAll(r *run, l *List, a []Value) (Value, error) {
	other, ok := a[0].(*List)
	if !ok {
		return nil, errNoMethod
	}
	for _, item := range other.Items {
		if i, err := r.indexOf(l, item); i < 0 || err != nil {
			return false, err
		}
	}
	return true, nil
}

func listSub(r *run, l *List, a []Value) (Value, error) {
	to, err := r.exact(l, a[1], len(l.Items))
	if err != nil {
		return nil, err
	}
	from, err := r.exact(l, a[0], to)
	if err != nil {
		return nil, err
	}
	return &List{Items: slices.Clone(l.Items[from:to])}, r.charge(16 * (to - from))
}

var mapMethods = map[signature]mapMethod{
	{"size", 0}:    func(_ *run, m *Map, _ []Value) (Value, error) { return int64(m.Len()), nil },
	{"isEmpty", 0}: func(_ *run, m *Map, _ []Value) (Value, error) { return m.Len() == 0, nil },
	{"get", 1}: func(r *run, m *Map, a []Value) (Value, error) {
		key, err := r.text(a[0])
		return m.values[key], err
	},
	{"getOrDefault", 2}: func(r *run, m *Map, a []Value) (Value, error) {
		key, err := r.text(a[0])
		if v, ok := m.values[key]; ok {
			return v, err
		}
		return a[1], err
	},
	{"containsKey", 1}: func(r *run, m *Map, a []Value) (Value, error) {
		key, err := r.text(a[0])
		_, ok := m.values[key]
		return ok, err
	},
	{"containsValue", 1}: func(r *run, m *Map, a []Value) (Value, error) {
		i, err := r.indexOf(m.list(), a[0])
		return i >= 0, err
	},
	{"put", 2}: func(r *run, m *Map, a []Value) (Value, error) { return r.put(m, a[0], a[1]) },
	{"putIfAbsent", 2}: func(r *run, m *Map, a []Value) (Value, error) {
		key, err := r.text(a[0])
		if old := m.values[key]; old != nil || err != nil {
			return old, err
		}
		return r.put(m, key, a[1])
	},
	{"putAll", 1}: func(r *run, m *Map, a []Value) (Value, error) {
		other, ok := a[0].(*Map)
		if !ok {
			return nil, errNoMethod
		}
		for _, key := range slices.Clone(other.keys) {
			m.Put(key, other.values[key])
		}
		return nil, r.charge(48 * other.Len())
	},
	{"remove", 1}: func(r *run, m *Map, a []Value) (Value, error) {
		key, err := r.text(a[0])
		old := m.values[key]
		m.Remove(key)
		return old, err
	},
	{"clear", 0}: func(_ *run, m *Map, _ []Value) (Value, error) {
		*m = *NewMap()
		return nil, nil
	},
	{"keySet", 0}: func(r *run, m *Map, _ []Value) (Value, error) {
		l := &List{}
		for _, key := range m.keys {
			l.Items = append(l.Items, key)
		}
		return l, r.charge(16 * m.Len())
	},
	{"values", 0}: func(r *run, m *Map, _ []Value) (Value, error) { return m.list(), r.charge(16 * m.Len()) },
	{"entrySet", 0}: func(r *run, m *Map, _ []Value) (Value, error) {
		l := &List{}
		for _, key := range m.keys {
			l.Items = append(l.Items, &entry{key, m.values[key]})
		}
		return l, r.charge(48 * m.Len())
	},
}

func (m *Map) list() *List {
	l := &List{}
	for _, key := range m.keys {
		l.Items = append(l.Items, m.values[key])
	}
	return l
}

// put returns the old value, which a template that only calls it would print.
func (r *run) put(m *Map, key, v Value) (Value, error) {
	k, err := r.text(key)
	if err != nil {
		return nil, err
	}
	old := m.values[k]
	m.Put(k, v)
	return old, r.charge(len(k) + 48)
}

// numberMethod are the methods of Java's numbers, with the static ones that
// templates reach through any number: $n.parseInt("5").
func numberMethod(v Value, sig signature, args []Value) (Value, error) {
	if sig.arity == 1 {
		s, ok := args[0].(string)
		if !ok {
			return nil, errNoMethod
		}
		switch sig.name {
		case "parseInt", "parseLong", "valueOf":
			if n, err := strconv.ParseInt(s, 10, 64); err == nil {
				return n, nil
			}
		case "parseDouble", "parseFloat":
			if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
				return f, nil
			}
		}
		return nil, errNoMethod
	}
	if sig.arity != 0 {
		return nil, errNoMethod
	}
	switch sig.name {
	case "intValue":
		n := whole(v, math.MinInt32, math.MaxInt32)
		return int64(int32(n)), nil
	case "longValue":
		return whole(v, math.MinInt64, math.MaxInt64), nil
	case "doubleValue", "floatValue":
		return toFloat(v), nil
	case "isNaN":
		return math.IsNaN(toFloat(v)), nil
	case "isInfinite":
		return math.IsInf(toFloat(v), 0), nil
	}
	return nil, errNoMethod
}

// whole is Java's conversion to a whole number: doubles are cut and end at the
// bounds, larger integers lose their upper bits.
func whole(v Value, lowest, highest int64) int64 {
	f, ok := v.(float64)
	switch {
	case !ok:
		return int64(new(big.Int).And(toBig(v), new(big.Int).SetUint64(math.MaxUint64)).Uint64()) //nolint:gosec // the bits are the result
	case math.IsNaN(f):
		return 0
	case f <= float64(lowest):
		return lowest
	case f >= float64(highest):
		return highest
	}
	return int64(f)
}
