package attribute

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestItemLooksUpAndChangesWithoutTouchingTheOriginal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := map[string]string{}
		var it Item
		for range rapid.IntRange(0, 30).Draw(t, "steps") {
			before := string(it.AppendJSON(nil))
			old := it
			name := rapid.StringMatching(`[a-z]`).Draw(t, "name")
			if rapid.Bool().Draw(t, "remove") {
				it = it.Without(name)
				delete(model, name)
			} else {
				it = it.With(name, String(name+"!"))
				model[name] = name + "!"
			}
			if string(old.AppendJSON(nil)) != before {
				t.Fatalf("changing %q changed %s", name, before)
			}
		}
		if len(it) != len(model) || !slices.IsSortedFunc(it, byName) {
			t.Fatalf("%s, want %v", it.AppendJSON(nil), model)
		}
		for name, want := range model {
			if it.Get(name).Text() != want || !it.Has(name) {
				t.Fatalf("%s of %s", name, it.AppendJSON(nil))
			}
		}
		if it.Has("none") {
			t.Fatal("found what is not there")
		}
	})
}

func TestEqualComparesDeeply(t *testing.T) {
	parse := func(s string) Value {
		v, err := DecodeValue([]byte(s), New)
		if err != nil {
			t.Fatal(s, err)
		}
		return v
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"N":"1"}`, `{"N":"1.0"}`, true},
		{`{"N":"1"}`, `{"S":"1"}`, false},
		{`{"SS":["a","b"]}`, `{"SS":["b","a"]}`, true},
		{`{"SS":["a"]}`, `{"BS":["YQ=="]}`, false},
		{`{"NS":["1","2"]}`, `{"NS":["2.0","1e0"]}`, true},
		{`{"L":[{"S":"a"},{"N":"1"}]}`, `{"L":[{"N":"1"},{"S":"a"}]}`, false},
		{`{"M":{"a":{"L":[{"NULL":true}]},"b":{"BOOL":true}}}`, `{"M":{"b":{"BOOL":true},"a":{"L":[{"NULL":true}]}}}`, true},
		{`{"M":{"a":{"S":""}}}`, `{"M":{}}`, false},
		{`{"BOOL":true}`, `{"BOOL":false}`, false},
	} {
		if Equal(parse(c.a), parse(c.b)) != c.want {
			t.Errorf("%s = %s is not %v", c.a, c.b, c.want)
		}
	}
}

func TestCompareOrdersOnlyScalarsOfOneType(t *testing.T) {
	for _, c := range []struct {
		a, b  Value
		order int
		ok    bool
	}{
		{String("a"), String("b"), -1, true},
		{String("Z"), String("a"), -1, true}, // bytes, not letters
		{String("é"), String("z"), 1, true},
		{Int(9), Int(10), -1, true},
		{Int(-9), Int(-10), 1, true},
		{Binary([]byte{0xff}), Binary([]byte{1, 1}), 1, true},
		{String("1"), Int(1), 0, false},
		{Bool(true), Bool(true), 0, false},
		{Value{}, Value{}, 0, false},
	} {
		if order, ok := Compare(c.a, c.b); order != c.order || ok != c.ok {
			t.Errorf("%s against %s: %d, %v", c.a.AppendJSON(nil), c.b.AppendJSON(nil), order, ok)
		}
	}
}

func TestSetOperations(t *testing.T) {
	a, b := Set(NS, []string{"10", "9", "-1"}), Set(NS, []string{"9", "2"})
	if got := Union(a, b).Set(); !slices.Equal(got, []string{"-1", "2", "9", "10"}) {
		t.Errorf("union %v", got)
	}
	if got := Difference(a, b).Set(); !slices.Equal(got, []string{"-1", "10"}) {
		t.Errorf("difference %v", got)
	}
	if Difference(a, a).Exists() {
		t.Error("an empty set is not nothing")
	}
	if !a.HasMember(Int(9)) || a.HasMember(Int(2)) || a.HasMember(String("9")) || Int(9).HasMember(Int(9)) {
		t.Error("membership")
	}
	if Set(SS, nil).Exists() || Set(S, []string{"a"}).Exists() {
		t.Error("a set of nothing")
	}
}

// The figures are those of the Developer Guide's rules and of measured items.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		item string
		size int
	}{
		{`{"id":{"S":"Fred"}}`, 6},
		{`{"é":{"S":"é"}}`, 4},
		{`{"a":{"B":"AAEC"}}`, 4},
		{`{"a":{"N":"-3.14159"}}`, 7},
		{`{"a":{"BOOL":true},"b":{"NULL":true}}`, 4},
		{`{"a":{"SS":["ab","c"]},"b":{"NS":["1","22"]},"c":{"BS":["AAE="]}}`, 3 + 3 + 4 + 2},
		{`{"a":{"L":[]},"b":{"M":{}}}`, 8},
		{`{"a":{"L":[{"S":"x"},{"N":"1"}]}}`, 1 + 3 + (1 + 1) + (1 + 2)},
		{`{"a":{"M":{"bc":{"S":"x"}}}}`, 1 + 3 + 1 + 2 + 1},
	} {
		it, err := DecodeItem([]byte(c.item), New)
		if err != nil || Size(it) != c.size {
			t.Errorf("%s: %d, want %d (%v)", c.item, Size(it), c.size, err)
		}
	}
}

func TestPageSize(t *testing.T) {
	for _, c := range []struct {
		name, item, sortKey string
		size                int
	}{
		{"a string has a length in front", `{"name":{"S":"abc"}}`, "", 2 + (1 + 4) + 18},
		{"the sort key counts once a block", `{"a":{"S":"abc"},"sk":{"N":"123"}}`, "sk", 2 + (1 + 4) + (18 + 3)},
		{"a longer string a longer length", `{"a":{"S":"` + strings.Repeat("x", 128) + `"}}`, "", 2 + (1 + 130) + 18},
		{"a long string fills blocks", `{"a":{"S":"` + strings.Repeat("x", 16384) + `"}}`, "", 2 + 16388 + 6*18},
		{"other types", `{"a":{"N":"1"},"b":{"BOOL":true},"c":{"NULL":true},"d":{"SS":["x","y"]},"e":{"L":[{"S":"x"}]},"f":{"M":{"long":{"B":"AA=="}}}}`, "",
			2 + (1 + 3) + (1 + 1) + 1 + (1 + 5) + (1 + 3 + 1 + 2) + (1 + 3 + 2 + 2) + 18},
	} {
		it, err := DecodeItem([]byte(c.item), New)
		if got := PageSize(it, c.sortKey); err != nil || got != c.size {
			t.Errorf("%s: %d, want %d (%v)", c.name, got, c.size, err)
		}
	}
}

func TestNestingLimit(t *testing.T) {
	deep := func(wraps int) Value {
		v := String("leaf")
		for range wraps {
			v = List(v)
		}
		return v
	}
	if err := CheckNesting(NewItem(Attribute{"a", deep(31)})); err != nil {
		t.Errorf("31 lists: %v", err)
	}
	if err := CheckNesting(NewItem(Attribute{"a", deep(32)})); err != ErrNesting {
		t.Errorf("32 lists: %v", err)
	}
}

func TestKindNames(t *testing.T) {
	for k := S; k <= BOOL; k++ {
		if got, ok := ParseKind(k.String()); !ok || got != k {
			t.Errorf("%d is %q is %d", k, k.String(), got)
		}
	}
	if _, ok := ParseKind(""); ok || Kind(99).String() != "" {
		t.Error("a type without a name")
	}
	if NS.Element() != N || L.Element() != None {
		t.Error("elements")
	}
}

func benchmarkItem(b *testing.B) ([]byte, Item) {
	data := []byte(`{"connectionId":{"S":"L0SM9cOFvHcCIhw="},"room":{"S":"general"},"joined":{"N":"1700000000123"},"tags":{"SS":["a","b","c"]},"profile":{"M":{"name":{"S":"Ada"},"age":{"N":"36"},"roles":{"L":[{"S":"admin"},{"S":"user"}]}}},"active":{"BOOL":true}}`)
	it, err := DecodeItem(data, New)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	return data, it
}

func BenchmarkDecodeItem(b *testing.B) {
	data, _ := benchmarkItem(b)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := DecodeItem(data, New); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	_, it := benchmarkItem(b)
	var buf []byte
	for b.Loop() {
		buf = it.AppendJSON(buf[:0])
	}
}

func BenchmarkAppendBinary(b *testing.B) {
	_, it := benchmarkItem(b)
	var buf []byte
	for b.Loop() {
		buf = AppendBinary(buf[:0], it)
	}
}

func BenchmarkDecodeBinary(b *testing.B) {
	_, it := benchmarkItem(b)
	data := AppendBinary(nil, it)
	for b.Loop() {
		if _, err := DecodeBinary(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendKey(b *testing.B) {
	v, n := String("L0SM9cOFvHcCIhw="), Int(1700000000123)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendKey(AppendKey(buf[:0], v), n)
	}
}

func BenchmarkCounterAdd(b *testing.B) {
	n := Number("41")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Add("1"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAccessorsOfOtherTypesAreEmpty(t *testing.T) {
	s, l, m := String("abc"), List(Null()), Map(NewItem(Attribute{"a", Bool(true)}))
	if s.Number() != "0" || s.Truth() || s.Elements() != nil || s.Members() != nil || s.Set() != nil || l.Text() != "" {
		t.Error("a value answers as another type")
	}
	if s.Len() != 3 || l.Len() != 1 || m.Len() != 1 || Null().Len() != 0 || Set(SS, []string{"a", "b"}).Len() != 2 {
		t.Error("lengths")
	}
	if !m.Members().Get("a").Truth() || l.Elements()[0].Kind() != NULL || (Value{}).Exists() {
		t.Error("contents")
	}
	if got := string((Value{}).AppendJSON(nil)); got != "{}" {
		t.Errorf("no value is written %s", got)
	}
}
