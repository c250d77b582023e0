package vtl

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var stringMethods = map[signature]stringMethod{
	{"length", 0}:           func(_ *run, s string, _ []Value) (Value, error) { return int64(length(s)), nil },
	{"isEmpty", 0}:          func(_ *run, s string, _ []Value) (Value, error) { return s == "", nil },
	{"isBlank", 0}:          func(_ *run, s string, _ []Value) (Value, error) { return strings.TrimSpace(s) == "", nil },
	{"charAt", 1}:           charAt,
	{"substring", 1}:        func(r *run, s string, a []Value) (Value, error) { return r.substring(s, a[0], int64(length(s))) },
	{"substring", 2}:        func(r *run, s string, a []Value) (Value, error) { return r.substring(s, a[0], a[1]) },
	{"subSequence", 2}:      func(r *run, s string, a []Value) (Value, error) { return r.substring(s, a[0], a[1]) },
	{"indexOf", 1}:          indexOf,
	{"indexOf", 2}:          indexOf,
	{"lastIndexOf", 1}:      lastIndexOf,
	{"contains", 1}:         test(strings.Contains),
	{"startsWith", 1}:       test(strings.HasPrefix),
	{"endsWith", 1}:         test(strings.HasSuffix),
	{"equalsIgnoreCase", 1}: test(strings.EqualFold),
	{"compareToIgnoreCase", 1}: func(_ *run, s string, a []Value) (Value, error) {
		t, ok := a[0].(string)
		if !ok {
			return nil, errNoMethod
		}
		return int64(strings.Compare(strings.ToLower(s), strings.ToLower(t))), nil
	},
	{"toLowerCase", 0}: change(strings.ToLower),
	{"toUpperCase", 0}: change(strings.ToUpper),
	{"trim", 0}:        change(func(s string) string { return strings.TrimFunc(s, func(c rune) bool { return c <= ' ' }) }),
	{"strip", 0}:       change(strings.TrimSpace),
	{"intern", 0}:      change(strings.Clone),
	{"concat", 1}: func(r *run, s string, a []Value) (Value, error) {
		t, ok := a[0].(string)
		if !ok {
			return nil, errNoMethod
		}
		return s + t, r.charge(len(s) + len(t))
	},
	{"repeat", 1}: func(r *run, s string, a []Value) (Value, error) {
		n, ok := a[0].(int64)
		if !ok {
			return nil, errNoMethod
		}
		if n < 0 || n > int64(r.limits.Memory) {
			return nil, r.fail("a text cannot be repeated %d times", n)
		}
		if err := r.charge(len(s) * int(n)); err != nil {
			return nil, err
		}
		return strings.Repeat(s, int(n)), nil
	},
	{"replace", 2}:      replace,
	{"replaceAll", 2}:   func(r *run, s string, a []Value) (Value, error) { return r.replacePattern(s, a, -1) },
	{"replaceFirst", 2}: func(r *run, s string, a []Value) (Value, error) { return r.replacePattern(s, a, 1) },
	{"matches", 1}:      matches,
	{"split", 1}:        func(r *run, s string, a []Value) (Value, error) { return r.split(s, a[0], 0) },
	{"split", 2}: func(r *run, s string, a []Value) (Value, error) {
		n, ok := a[1].(int64)
		if !ok {
			return nil, errNoMethod
		}
		return r.split(s, a[0], int(min(max(n, -1), 1<<30)))
	},
	{"toCharArray", 0}: func(r *run, s string, _ []Value) (Value, error) {
		l := &List{}
		for _, c := range units(s) {
			l.Items = append(l.Items, fromUnits([]uint16{c}))
		}
		return l, r.charge(32 * len(l.Items))
	},
	{"hashCode", 0}: func(_ *run, s string, _ []Value) (Value, error) {
		var h int32
		for _, c := range units(s) {
			h = 31*h + int32(c)
		}
		return int64(h), nil
	},
	// Static methods, which templates reach through any text.
	{"valueOf", 1}: func(r *run, _ string, a []Value) (Value, error) { return r.text(a[0]) },
	{"join", 2}: func(r *run, _ string, a []Value) (Value, error) {
		by, ok := a[0].(string)
		l, isList := a[1].(*List)
		if !ok || !isList {
			return nil, errNoMethod
		}
		parts := make([]string, len(l.Items))
		for i, item := range l.Items {
			var err error
			if parts[i], err = r.text(item); err != nil {
				return nil, err
			}
			if err := r.charge(len(parts[i]) + len(by)); err != nil {
				return nil, err
			}
		}
		return strings.Join(parts, by), nil
	},
}

// test makes a method of a question about two texts.
func test(f func(s, t string) bool) stringMethod {
	return func(_ *run, s string, args []Value) (Value, error) {
		t, ok := args[0].(string)
		if !ok {
			return nil, errNoMethod
		}
		return f(s, t), nil
	}
}

func change(f func(s string) string) stringMethod {
	return func(r *run, s string, _ []Value) (Value, error) {
		made := f(s)
		return made, r.charge(len(made))
	}
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// units are a text's UTF-16 code units, in which Java counts.
func units(s string) []uint16 { return utf16.Encode([]rune(s)) }

// fromUnits makes a text; half of a pair becomes U+FFFD.
func fromUnits(u []uint16) string { return string(utf16.Decode(u)) }

func length(s string) int {
	if ascii(s) {
		return len(s)
	}
	return len(units(s))
}

func (r *run) substring(s string, from, to Value) (Value, error) {
	a, okA := from.(int64)
	b, okB := to.(int64)
	if !okA || !okB {
		return nil, errNoMethod
	}
	if n := int64(length(s)); a < 0 || b > n || a > b {
		return nil, r.fail("there is no part from %d to %d in a text of length %d", a, b, n)
	}
	if ascii(s) {
		return s[a:b], nil
	}
	return fromUnits(units(s)[a:b]), r.charge(len(s))
}

func charAt(r *run, s string, a []Value) (Value, error) {
	n, ok := a[0].(int64)
	if !ok {
		return nil, errNoMethod
	}
	if n < 0 || n >= int64(length(s)) {
		return nil, r.fail("there is no character %d in a text of length %d", n, length(s))
	}
	return r.substring(s, n, n+1)
}

func indexOf(_ *run, s string, a []Value) (Value, error) {
	t, ok := a[0].(string)
	if !ok {
		return nil, errNoMethod
	}
	var from int64
	if len(a) > 1 {
		if from, ok = a[1].(int64); !ok {
			return nil, errNoMethod
		}
	}
	u := units(s)
	from = min(max(from, 0), int64(len(u)))
	rest := fromUnits(u[from:])
	i := strings.Index(rest, t)
	if i < 0 {
		return int64(-1), nil
	}
	return from + int64(length(rest[:i])), nil
}

func lastIndexOf(_ *run, s string, a []Value) (Value, error) {
	t, ok := a[0].(string)
	if !ok {
		return nil, errNoMethod
	}
	i := strings.LastIndex(s, t)
	if i < 0 {
		return int64(-1), nil
	}
	return int64(length(s[:i])), nil
}

func replace(r *run, s string, a []Value) (Value, error) {
	old, ok := a[0].(string)
	by, isText := a[1].(string)
	if !ok || !isText {
		return nil, errNoMethod
	}
	if err := r.charge(len(s) + strings.Count(s, old)*len(by)); err != nil {
		return nil, err
	}
	return strings.ReplaceAll(s, old, by), nil
}

// split is Java's: a limit of 0 drops empty parts at the end, a text that
// matches nowhere is its own only part.
func (r *run) split(s string, by Value, limit int) (Value, error) {
	p, err := r.pattern(by)
	if err != nil {
		return nil, err
	}
	var parts []string
	start := 0
	for _, m := range p.re.FindAllStringIndex(s, -1) {
		if limit > 0 && len(parts) == limit-1 {
			break
		}
		if m[1] == 0 || m[0] == len(s) && m[0] == m[1] {
			continue // no empty part before the first character, none after the last
		}
		parts = append(parts, s[start:m[0]])
		start = m[1]
	}
	parts = append(parts, s[start:])
	if limit == 0 && len(parts) > 1 {
		for len(parts) > 0 && parts[len(parts)-1] == "" {
			parts = parts[:len(parts)-1]
		}
	}
	l := &List{Items: make([]Value, len(parts))}
	for i, part := range slices.All(parts) {
		l.Items[i] = part
	}
	return l, r.charge(16*len(parts) + len(s))
}
