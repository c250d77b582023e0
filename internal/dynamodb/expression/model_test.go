package expression

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"pgregory.net/rapid"
)

// The model applies an update the slow way: to a tree of Go maps and slices,
// one action after the other. Removed elements leave holes and appended ones
// wait until the end, so that indexes keep their meaning.

type hole struct{}

type modelList struct {
	elements []any
	appended map[int]any
}

func toModel(v attribute.Value) any {
	switch v.Kind() {
	case attribute.M:
		m := map[string]any{}
		for _, a := range v.Members() {
			m[a.Name] = toModel(a.Value)
		}
		return m
	case attribute.L:
		l := &modelList{appended: map[int]any{}}
		for _, e := range v.Elements() {
			l.elements = append(l.elements, toModel(e))
		}
		return l
	}
	return v
}

func fromModel(x any) attribute.Value {
	switch x := x.(type) {
	case map[string]any:
		var it attribute.Item
		for name, v := range x {
			it = append(it, attribute.Attribute{Name: name, Value: fromModel(v)})
		}
		return attribute.Map(attribute.NewItem(it...))
	case *modelList:
		out := []attribute.Value{}
		for _, e := range x.elements {
			if e != (hole{}) {
				out = append(out, fromModel(e))
			}
		}
		order := make([]int, 0, len(x.appended))
		for i := range x.appended {
			order = append(order, i)
		}
		slices.Sort(order)
		for _, i := range order {
			out = append(out, fromModel(x.appended[i]))
		}
		return attribute.List(out...)
	}
	return x.(attribute.Value)
}

// modelSet sets or (value nil) removes what a path leads to; false is the
// path error.
func modelSet(at any, steps []string, value any) bool {
	step := steps[0]
	index, err := strconv.Atoi(step)
	if m, ok := at.(map[string]any); ok && err != nil {
		if len(steps) > 1 {
			return modelSet(m[step], steps[1:], value)
		}
		if value == nil {
			delete(m, step)
		} else {
			m[step] = value
		}
		return true
	}
	l, ok := at.(*modelList)
	if !ok || err != nil {
		return false
	}
	switch {
	case index < len(l.elements) && len(steps) > 1:
		return modelSet(l.elements[index], steps[1:], value)
	case index < len(l.elements) && value == nil:
		l.elements[index] = hole{}
	case index < len(l.elements):
		l.elements[index] = value
	case len(steps) > 1:
		return false
	case value != nil:
		l.appended[index] = value
	}
	return true
}

func modelValue(t *rapid.T, levels int) attribute.Value {
	kind := 0
	if levels > 0 {
		kind = rapid.IntRange(0, 2).Draw(t, "kind")
	}
	switch kind {
	case 1:
		return attribute.List(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) attribute.Value { return modelValue(t, levels-1) }), 0, 3).Draw(t, "list")...)
	case 2:
		return attribute.Map(modelItem(t, levels-1))
	}
	return attribute.Int(rapid.Int64Range(0, 9).Draw(t, "n"))
}

func modelItem(t *rapid.T, levels int) attribute.Item {
	it := attribute.Item{}
	for _, name := range []string{"a", "b", "c"} {
		if rapid.Bool().Draw(t, "has "+name) {
			it = append(it, attribute.Attribute{Name: name, Value: modelValue(t, levels)})
		}
	}
	return it
}

// modelPath draws a path, leaning toward ones that exist.
func modelPath(t *rapid.T) []string {
	steps := []string{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")}
	for range rapid.IntRange(0, 2).Draw(t, "steps") {
		steps = append(steps, rapid.SampledFrom([]string{"a", "b", "c", "0", "1", "2", "5", "7"}).Draw(t, "step"))
	}
	return steps
}

func pathText(steps []string) string {
	text := steps[0]
	for _, s := range steps[1:] {
		if s[0] >= '0' && s[0] <= '9' {
			text += "[" + s + "]"
		} else {
			text += "." + s
		}
	}
	return text
}

func TestUpdatesAgreeWithAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := modelItem(t, 3)
		model := toModel(attribute.Map(old)).(map[string]any)
		var sets, removes []string
		var vals attribute.Item
		fits := true
		for i := range rapid.IntRange(1, 4).Draw(t, "actions") {
			steps := modelPath(t)
			if rapid.Bool().Draw(t, "remove") {
				removes = append(removes, pathText(steps))
				fits = modelSet(model, steps, nil) && fits
				continue
			}
			name := fmt.Sprintf(":v%d", i)
			v := modelValue(t, 1)
			vals = append(vals, attribute.Attribute{Name: name, Value: v})
			sets = append(sets, pathText(steps)+" = "+name)
			fits = modelSet(model, steps, v) && fits
		}
		text := ""
		if sets != nil {
			text += "SET " + strings.Join(sets, ", ")
		}
		if removes != nil {
			text += " REMOVE " + strings.Join(removes, ", ")
		}
		compiled, err := (*Compiler)(nil).Compile(Request{Update: &text, Values: vals})
		if err != nil {
			if strings.Contains(err.Error(), "Two document paths") {
				t.Skip("the paths meet")
			}
			t.Fatalf("%s: %v", text, err)
		}
		got, err := compiled.Update.Apply(old, nil)
		if (err == nil) != fits {
			t.Fatalf("%s on %s: %v, the model says %v", text, old.AppendJSON(nil), err, fits)
		}
		if want := fromModel(model).Members(); err == nil && !attribute.EqualItems(got, want) {
			t.Fatalf("%s on %s\n got %s\nwant %s", text, old.AppendJSON(nil), got.AppendJSON(nil), want.AppendJSON(nil))
		}
	})
}

func benchmarkRequest(b *testing.B, parameter Parameter, text string) (Request, attribute.Item) {
	b.ReportAllocs()
	return request(b, parameter, text), item(b, `{"a":{"N":"1"},"b":{"S":"abc"},"c":{"S":"room"},"d":{"M":{"e":{"N":"7"}}},"connectionId":{"S":"L0SM9cOFvHcCIhw="}}`)
}

func BenchmarkCompileRemembered(b *testing.B) {
	r, _ := benchmarkRequest(b, ConditionExpression, "#a = :n AND (begins_with(b, :s) OR attribute_not_exists(z))")
	c := NewCompiler(100)
	for b.Loop() {
		if _, err := c.Compile(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileAnew(b *testing.B) {
	r, _ := benchmarkRequest(b, ConditionExpression, "#a = :n AND (begins_with(b, :s) OR attribute_not_exists(z))")
	for b.Loop() {
		if _, err := (*Compiler)(nil).Compile(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEval(b *testing.B) {
	r, it := benchmarkRequest(b, ConditionExpression, "#a = :n AND begins_with(b, :s) AND attribute_not_exists(z) AND size(c) < :n5 AND d.e > :n")
	compiled, err := (*Compiler)(nil).Compile(r)
	if err != nil || !compiled.Condition.Eval(it) {
		b.Fatal(err)
	}
	for b.Loop() {
		compiled.Condition.Eval(it)
	}
}

func BenchmarkUpdateCounter(b *testing.B) {
	r, it := benchmarkRequest(b, UpdateExpression, "ADD a :n SET b = :s")
	compiled, err := (*Compiler)(nil).Compile(r)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := compiled.Update.Apply(it, nil); err != nil {
			b.Fatal(err)
		}
	}
}
