package request

import (
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

func TestConstraintsInBothGenerations(t *testing.T) {
	text := func(s string) *string { return &s }
	number := func(n int64) *int64 { return &n }
	for _, row := range []struct {
		name  string
		layer attribute.Layer
		check func(c *constraints)
		want  string
	}{
		{"nothing wrong", attribute.New, func(c *constraints) { c.name("tableName", text("a.b-C_1"), 1) }, ""},
		{"the new one names the first failure without its value", attribute.New, func(c *constraints) {
			c.atLeast("limit", number(0), 1)
			c.name("tableName", text(""), 1)
		}, "1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{"the old one lists all", attribute.Old, func(c *constraints) {
			c.atMost("limit", number(101), 100)
			c.name("tableName", text("a b"), 1)
			c.enum("select", text("SOME"), "[COUNT]")
		}, "3 validation errors detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100; " +
			"Value 'a b' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; " +
			"Value 'SOME' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [COUNT]"},
		{"a missing member makes the new one list like the old", attribute.New, func(c *constraints) {
			c.enum("returnConsumedCapacity", text("x"), enumConsumed)
			c.required("tableName", false)
		}, "2 validation errors detected: Value 'x' at 'returnConsumedCapacity' failed to satisfy constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; " +
			"Value null at 'tableName' failed to satisfy constraint: Member must not be null"},
		{"names of tables are no members", attribute.New, func(c *constraints) { c.count("requestItems.my.table.member.keys", "", 0, 1, 100) },
			"1 validation error detected: Value at 'RequestItems.my.table.member.Keys' failed to satisfy constraint: Member must have length greater than or equal to 1"},
	} {
		c := constraints{layer: row.layer}
		row.check(&c)
		got := ""
		if err, ok := c.err().(*attribute.Error); ok {
			got = err.Message
		}
		if got != row.want {
			t.Errorf("%s\n got %s\nwant %s", row.name, got, row.want)
		}
	}
}

func TestBatchWriteLimitIsAConstraintOfTheMap(t *testing.T) {
	q := &BatchWrite{given: true, Tables: []TableWrites{{Name: "tab", Given: "tab"}}}
	want := "ValidationException: 1 validation error detected: Value '{tab=[]}' at 'requestItems' failed to satisfy constraint: " +
		"Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]"
	if err := q.Check(); err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestTableNameOfAnARN(t *testing.T) {
	for given, want := range map[string]string{
		"tab": "tab",
		"arn:aws:dynamodb:eu-west-1:123456789012:table/tab":           "tab",
		"arn:aws:dynamodb:eu-west-1:123456789012:table/tab/index/gsi": "tab",
		"arn:aws:s3:::bucket": "arn:aws:s3:::bucket",
	} {
		if got := TableName(given); got != want {
			t.Errorf("%s is %q, want %q", given, got, want)
		}
	}
}
