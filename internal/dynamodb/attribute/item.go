package attribute

import (
	"slices"
	"strings"
)

// Item is the attributes of an item, or the members of a map, sorted by name
// and each name once. A sorted slice beats a map here: items are small, are
// decoded far more often than searched, and come out in a stable order.
//
// A nil Item is a missing item; an item that exists but has nothing to show
// (a projection that found nothing) is an empty one.
type Item []Attribute

// Attribute is one name and its value.
type Attribute struct {
	Name  string
	Value Value
}

// NewItem sorts attributes into an Item. Of equal names the last wins. It
// keeps and reorders the slice it is given.
func NewItem(attributes ...Attribute) Item {
	if attributes == nil {
		return Item{}
	}
	if !slices.IsSortedFunc(attributes, strictlyByName) {
		slices.SortStableFunc(attributes, byName)
		attributes = keepLast(attributes)
	}
	return attributes
}

func byName(a, b Attribute) int { return strings.Compare(a.Name, b.Name) }

// strictlyByName calls equal names unsorted, so that they are noticed.
func strictlyByName(a, b Attribute) int {
	if a.Name <= b.Name {
		return -1
	}
	return 1
}

func keepLast(sorted []Attribute) []Attribute {
	kept := sorted[:0]
	for i, a := range sorted {
		if i+1 < len(sorted) && sorted[i+1].Name == a.Name {
			continue
		}
		kept = append(kept, a)
	}
	return kept
}

// Clone is the item in memory of its own, of which nothing is shared.
func (it Item) Clone() Item {
	if it == nil {
		return nil
	}
	own, err := DecodeBinary(AppendBinary(nil, it))
	if err != nil {
		panic(err) // what was encoded can be decoded
	}
	return own
}

// Get finds an attribute; the zero Value says that it is absent.
func (it Item) Get(name string) Value {
	if len(it) <= 8 {
		for i := range it {
			if it[i].Name == name {
				return it[i].Value
			}
		}
		return Value{}
	}
	if i, ok := it.search(name); ok {
		return it[i].Value
	}
	return Value{}
}

// Has says whether an attribute is present.
func (it Item) Has(name string) bool { return it.Get(name).Exists() }

func (it Item) search(name string) (int, bool) {
	return slices.BinarySearchFunc(it, name, func(a Attribute, n string) int {
		return strings.Compare(a.Name, n)
	})
}

// With is the item with one attribute set. The receiver stays as it is.
func (it Item) With(name string, v Value) Item {
	i, found := it.search(name)
	if found {
		changed := slices.Clone(it)
		changed[i].Value = v
		return changed
	}
	changed := make(Item, 0, len(it)+1)
	changed = append(changed, it[:i]...)
	changed = append(changed, Attribute{name, v})
	return append(changed, it[i:]...)
}

// Without is the item with one attribute left out. The receiver stays as it is.
func (it Item) Without(name string) Item {
	i, found := it.search(name)
	if !found {
		return it
	}
	changed := make(Item, 0, len(it)-1)
	changed = append(changed, it[:i]...)
	return append(changed, it[i+1:]...)
}

// Only is the item reduced to the named top-level attributes that it has.
func (it Item) Only(names ...string) Item {
	kept := make(Item, 0, len(names))
	for i := range it {
		if slices.Contains(names, it[i].Name) {
			kept = append(kept, it[i])
		}
	}
	return kept
}
