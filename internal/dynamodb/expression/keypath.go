package expression

import (
	"slices"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// CheckKeys applies the rules that need the names of a table's and its
// indexes' key attributes: an update must not write the table's key, and key
// attributes are scalars, so no path leads below one.
func (c *Compiled) CheckKeys(table, index []string) error {
	targets := c.Update.Targets()
	for _, k := range table {
		if slices.Contains(targets, k) {
			return attribute.InvalidParameter("Cannot update attribute " + k + ". This attribute is part of the key")
		}
	}
	for _, k := range table {
		if c.leadsBelow(k) {
			return belowKey("Key", k)
		}
	}
	for _, k := range index {
		if c.leadsBelow(k) {
			return belowKey("IndexKey", k)
		}
	}
	return nil
}

// HasPaths tells whether there is anything for CheckKeys to check.
func (c *Compiled) HasPaths() bool {
	return c.Update != nil || c.Condition != nil || c.Filter != nil || c.Projection != nil
}

func belowKey(what, name string) error {
	return attribute.Invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: " +
		what + ": " + name)
}

// leadsBelow says whether any path goes on below a top-level attribute.
func (c *Compiled) leadsBelow(name string) bool {
	for _, b := range c.bindings() {
		if b != nil && slices.ContainsFunc(b.expr.allPaths, func(p path) bool {
			return len(p) > 1 && b.elementName(p[0]) == name
		}) {
			return true
		}
	}
	return false
}

func (c *Compiled) bindings() (list [4]*binding) {
	if c.Update != nil {
		list[0] = c.Update.b
	}
	if c.Condition != nil {
		list[1] = c.Condition.b
	}
	if c.Filter != nil {
		list[2] = c.Filter.b
	}
	if c.Projection != nil {
		list[3] = c.Projection.b
	}
	return list
}

// CheckFilterKeys refuses a Query's filter on an attribute of the key that is
// queried; on an index these are the index's key attributes.
func (c *Compiled) CheckFilterKeys(keys []string) error {
	names := c.Filter.Names()
	for _, k := range keys {
		if slices.Contains(names, k) {
			what := "Filter Expression"
			if c.Filter.legacy != nil {
				what = "QueryFilter"
			}
			return attribute.Invalid(what + " can only contain non-primary key attributes: Primary key attribute: " + k)
		}
	}
	return nil
}
