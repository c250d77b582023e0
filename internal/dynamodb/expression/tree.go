package expression

import (
	"cmp"
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// branch is a tree of paths: what an update changes or a projection shows,
// step by step from the top of an item. Children are in order of name or
// index; they are all names or all indexes, because anything else is refused
// as a conflict.
type branch struct {
	step     element
	children []*branch
	action   int // in an update, 1 + the number of the action that ends here
}

// grow adds a resolved path and returns its end.
func (t *branch) grow(p path) *branch {
	for _, step := range p {
		i, found := slices.BinarySearchFunc(t.children, step, func(b *branch, e element) int {
			return compareSteps(b.step, e)
		})
		if !found {
			t.children = slices.Insert(t.children, i, &branch{step: step})
		}
		t = t.children[i]
	}
	return t
}

func compareSteps(a, b element) int {
	if c := cmp.Compare(a.index, b.index); c != 0 {
		return c
	}
	return strings.Compare(a.name, b.name)
}

// cut is the part of an item that the tree shows; nil when it shows nothing.
func (t *branch) cut(it attribute.Item) attribute.Item {
	var shown attribute.Item
	for _, c := range t.children {
		if v := c.cutValue(it.Get(c.step.name)); v.Exists() {
			shown = append(shown, attribute.Attribute{Name: c.step.name, Value: v})
		}
	}
	return shown
}

// cutValue keeps of a value what the branch shows. Elements of a list move
// together.
func (t *branch) cutValue(v attribute.Value) attribute.Value {
	if len(t.children) == 0 {
		return v
	}
	if !t.children[0].step.isIndex() {
		if members := t.cut(v.Members()); members != nil {
			return attribute.Map(members)
		}
		return attribute.Value{}
	}
	var elements []attribute.Value
	for _, c := range t.children {
		if c.step.index >= len(v.Elements()) {
			break
		}
		if e := c.cutValue(v.Elements()[c.step.index]); e.Exists() {
			elements = append(elements, e)
		}
	}
	if elements == nil {
		return attribute.Value{}
	}
	return attribute.List(elements...)
}

// checkOverlap refuses two paths of which one leads through the other, then
// two that take one place for a map and for a list.
func (b *binding) checkOverlap(paths []path) string {
	if len(paths) < 2 {
		return ""
	}
	resolved := make([]path, len(paths))
	for i, p := range paths {
		resolved[i] = p.resolve(b.names)
	}
	conflict := ""
	for i, second := range resolved {
		for _, first := range resolved[:i] {
			switch relate(first, second) {
			case overlapping:
				return "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: " +
					first.String() + ", path two: " + second.String()
			case conflicting:
				if conflict == "" {
					conflict = "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: " +
						first.String() + ", path two: " + second.String()
				}
			}
		}
	}
	return conflict
}

type relation uint8

const (
	separate relation = iota
	overlapping
	conflicting
)

func relate(a, b path) relation {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i].isIndex() != b[i].isIndex() {
			return conflicting
		}
		if a[i] != b[i] {
			return separate
		}
	}
	return overlapping
}

// topLevel lists the attributes that paths start from, each once.
func (b *binding) topLevel(paths []path) []string {
	var names []string
	for _, p := range paths {
		if name := b.elementName(p[0]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
