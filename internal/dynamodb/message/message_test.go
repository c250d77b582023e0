package message

import (
	"strings"
	"testing"
)

// Every check has words, and those of an operation take the arguments that the
// general ones take.
func TestEveryCheckHasWords(t *testing.T) {
	for c := range table {
		e := &table[c]
		if e.text == "" {
			t.Errorf("check %d has no text", c)
		}
		if strings.Contains(e.text, "…") {
			t.Errorf("%q is abbreviated", e.text)
		}
		if e.code != "" && !strings.HasSuffix(e.code, "Exception") {
			t.Errorf("%q has the code %q", e.text, e.code)
		}
	}
}

func TestOperationsWordChecksTheirOwnWay(t *testing.T) {
	for _, row := range []struct {
		operation Operation
		check     Check
		args      []any
		want      string
	}{
		{PutItem, KeyMissing, []any{"pk"}, "ValidationException: One or more parameter values were invalid: Missing the key pk in the item"},
		{GetItem, KeyMissing, nil, "ValidationException: The provided key element does not match the schema"},
		{CreateTable, KeyMissing, nil, "ValidationException: The provided key element does not match the schema"},
		{Query, StartSchema, nil, "ValidationException: The provided starting key is invalid: The provided key element does not match the schema"},
		{CreateTable, TableExists, []any{"t"}, "ResourceInUseException: Table already exists: t"},
	} {
		if got := row.operation.Refuse(row.check, row.args...).Error(); got != row.want {
			t.Errorf("%s: %q, want %q", row.operation, got, row.want)
		}
	}
}
