package expression

import (
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

func TestUpdates(t *testing.T) {
	const noAttribute = "The provided expression refers to an attribute that does not exist in the item"
	const operandType = "An operand in the update expression has an incorrect data type"
	const badPath = "The document path provided in the update expression is invalid for update"
	const missing = ""
	for _, c := range []struct{ name, text, old, want string }{
		{"SET makes and replaces", "SET a = :s, b = :n", `{"a":{"N":"1"},"z":{"S":"z"}}`, `{"a":{"S":"a"},"b":{"N":"1"},"z":{"S":"z"}}`},
		{"a missing item starts as its key", "SET a = :s", missing, `{"a":{"S":"a"},"k":{"S":"k"}}`},
		{"right sides read the old item", "SET a = :n5, b = a REMOVE c", `{"a":{"N":"1"},"c":{"N":"3"}}`, `{"a":{"N":"5"},"b":{"N":"1"}}`},
		{"REMOVE does not hide from SET", "REMOVE a SET b = a", `{"a":{"N":"1"}}`, `{"b":{"N":"1"}}`},
		{"copy of nothing", "SET b = a", `{"c":{"N":"1"}}`, noAttribute},
		{"copy of what the same update sets", "SET a = :n, b = a", `{"c":{"N":"1"}}`, noAttribute},
		{"copy out of nothing nested", "SET b = a.b.c", `{"a":{"M":{}}}`, noAttribute},
		{"plus and minus", "SET a = a + :n, b = :n - b, c = :n5 - :n", `{"a":{"N":"1.5"},"b":{"N":"3"}}`, `{"a":{"N":"2.5"},"b":{"N":"-2"},"c":{"N":"4"}}`},
		{"plus of another type", "SET a = a + :n", `{"a":{"S":"1"}}`, operandType},
		{"plus of nothing", "SET a = a + :n", `{"b":{"S":"1"}}`, noAttribute},
		{"plus beyond 38 digits", "SET a = a + :n", `{"a":{"N":"1e50"}}`, "Number overflow. Attempting to store a number with magnitude larger than supported range"},
		{"if_not_exists", "SET a = if_not_exists(a, :n), b = if_not_exists(b, :n) + :n5, c = if_not_exists(x, if_not_exists(a, :s))", `{"a":{"S":"old"}}`, `{"a":{"S":"old"},"b":{"N":"6"},"c":{"S":"old"}}`},
		{"if_not_exists with nothing", "SET a = if_not_exists(b, c)", `{"z":{"S":"z"}}`, noAttribute},
		{"list_append", "SET a = list_append(a, :l), b = list_append(:l, if_not_exists(b, :l))", `{"a":{"L":[{"S":"x"}]}}`, `{"a":{"L":[{"S":"x"},{"N":"1"}]},"b":{"L":[{"N":"1"},{"N":"1"}]}}`},
		{"list_append of another type", "SET a = list_append(a, :l)", `{"a":{"S":"x"}}`, operandType},
		{"nested SET", "SET a.b = :n, a.c.d = :s, a.e[0] = :n5", `{"a":{"M":{"b":{"S":"x"},"c":{"M":{}},"e":{"L":[{"S":"x"}]},"f":{"S":"f"}}}}`, `{"a":{"M":{"b":{"N":"1"},"c":{"M":{"d":{"S":"a"}}},"e":{"L":[{"N":"5"}]},"f":{"S":"f"}}}}`},
		{"SET below nothing", "SET a.b = :n", `{"z":{"S":"z"}}`, badPath},
		{"SET below a scalar", "SET a.b = :n", `{"a":{"S":"z"}}`, badPath},
		{"SET of a name in a list", "SET a.b = :n", `{"a":{"L":[]}}`, badPath},
		{"SET of an index in a map", "SET a[0] = :n", `{"a":{"M":{}}}`, badPath},
		{"SET below an element that is not there", "SET a[3].b = :n", `{"a":{"L":[]}}`, badPath},
		{"SET below nothing in a missing item", "SET a.b = :n", missing, badPath},
		{"SET past the end appends", "SET a[7] = :n", `{"a":{"L":[{"S":"x"}]}}`, `{"a":{"L":[{"S":"x"},{"N":"1"}]}}`},
		{"several appends in order of index", "SET a[84] = :s, a[37] = :n, a[50] = :n5", `{"a":{"L":[{"S":"x"}]}}`, `{"a":{"L":[{"S":"x"},{"N":"1"},{"N":"5"},{"S":"a"}]}}`},
		{"indexes are those before the update", "REMOVE a[1] SET a[3] = :s", `{"a":{"L":[{"N":"2"},{"N":"3"},{"N":"4"},{"N":"5"},{"N":"6"}]}}`, `{"a":{"L":[{"N":"2"},{"N":"4"},{"S":"a"},{"N":"6"}]}}`},
		{"REMOVE several elements", "REMOVE a[0], a[2], a[9]", `{"a":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"N":"3"}]}}`, `{"a":{"L":[{"N":"1"},{"N":"3"}]}}`},
		{"REMOVE leaves empty collections", "REMOVE a.b, c[0]", `{"a":{"M":{"b":{"S":"x"}}},"c":{"L":[{"S":"x"}]}}`, `{"a":{"M":{}},"c":{"L":[]}}`},
		{"REMOVE of what is not there", "REMOVE a, b.c, d[7]", `{"b":{"M":{}},"d":{"L":[]}}`, `{"b":{"M":{}},"d":{"L":[]}}`},
		{"REMOVE below nothing", "REMOVE a.b", `{"z":{"S":"z"}}`, badPath},
		{"REMOVE below a scalar", "REMOVE a[0]", `{"a":{"S":"z"}}`, badPath},
		{"REMOVE below nothing in a missing item", "REMOVE a.b, c[0]", missing, `{"k":{"S":"k"}}`},
		{"ADD to a number", "ADD a :n5", `{"a":{"N":"1"}}`, `{"a":{"N":"6"}}`},
		{"ADD to nothing", "ADD a :n5, b :ss", `{"z":{"S":"z"}}`, `{"a":{"N":"5"},"b":{"SS":["a"]},"z":{"S":"z"}}`},
		{"ADD to a set", "ADD a :ss, m.b :ns", `{"a":{"SS":["b","a"]},"m":{"M":{"b":{"NS":["2"]}}}}`, `{"a":{"SS":["a","b"]},"m":{"M":{"b":{"NS":["1","2"]}}}}`},
		{"ADD to another type", "ADD a :n5", `{"a":{"S":"1"}}`, operandType},
		{"ADD to a set of another type", "ADD a :ss", `{"a":{"NS":["1"]}}`, operandType},
		{"ADD below nothing", "ADD a.b :n", `{"z":{"S":"z"}}`, badPath},
		{"DELETE members", "DELETE a :ss", `{"a":{"SS":["b","a"]}}`, `{"a":{"SS":["b"]}}`},
		{"DELETE the last member", "DELETE a :ss", `{"a":{"SS":["a"]},"z":{"S":"z"}}`, `{"z":{"S":"z"}}`},
		{"DELETE from nothing", "DELETE a :ss", `{"z":{"S":"z"}}`, `{"z":{"S":"z"}}`},
		{"DELETE from another type", "DELETE a :ss", `{"a":{"L":[]}}`, operandType},
		{"dots in a name are part of it", "SET #x = :n", `{"z":{"S":"z"}}`, `{"x.y":{"N":"1"},"z":{"S":"z"}}`},
	} {
		compiled, err := (*Compiler)(nil).Compile(request(t, UpdateExpression, c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var old attribute.Item
		if c.old != missing {
			old = item(t, c.old)
		}
		before := string(old.AppendJSON(nil))
		got, err := compiled.Update.Apply(old, item(t, `{"k":{"S":"k"}}`))
		shown := message(err)
		if err == nil {
			shown = string(got.AppendJSON(nil))
		}
		if shown != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.name, c.text, shown, c.want)
		}
		if string(old.AppendJSON(nil)) != before {
			t.Errorf("%s: changed the old item", c.name)
		}
	}
}

func TestUpdateKeepsTheNestingLimit(t *testing.T) {
	deep := strings.Repeat(`{"M":{"n":`, 31) + `{"S":"leaf"}` + strings.Repeat(`}}`, 31)
	text := "SET a.b = :v"
	compiled, err := (*Compiler)(nil).Compile(Request{Update: &text, Values: item(t, `{":v":`+deep+`}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := compiled.Update.Apply(item(t, `{"a":{"M":{}}}`), nil); err != attribute.ErrNesting {
		t.Error(err)
	}
}

func TestUpdatedAttributes(t *testing.T) {
	for _, c := range []struct{ name, text, old, updatedOld, updatedNew string }{
		{"whole attributes", "SET b = :s, c = :n", `{"a":{"S":"hi"},"b":{"S":"dog"}}`, `{"b":{"S":"dog"}}`, `{"b":{"S":"a"},"c":{"N":"1"}}`},
		{"REMOVE has no new value", "REMOVE b", `{"b":{"S":"dog"}}`, `{"b":{"S":"dog"}}`, ``},
		{"nested, within their parents", "SET a.b = :s, a.c[1] = :n", `{"a":{"M":{"b":{"S":"x"},"c":{"L":[{"N":"7"},{"N":"8"},{"N":"9"}]},"d":{"S":"d"}}}}`,
			`{"a":{"M":{"b":{"S":"x"},"c":{"L":[{"N":"8"}]}}}}`, `{"a":{"M":{"b":{"S":"a"},"c":{"L":[{"N":"1"}]}}}}`},
		{"a new nested attribute", "SET a.x = :n", `{"a":{"M":{"b":{"S":"x"}}}}`, ``, `{"a":{"M":{"x":{"N":"1"}}}}`},
		{"past the end", "SET a[100] = :n", `{"a":{"L":[{"S":"x"}]}}`, ``, ``},
		{"an element moves up", "REMOVE a[1], a[9]", `{"a":{"L":[{"N":"0"},{"N":"1"},{"N":"2"}]}}`, `{"a":{"L":[{"N":"1"}]}}`, `{"a":{"L":[{"N":"2"}]}}`},
		{"elements are packed", "SET a[2] = :n, a[0] = :n5", `{"a":{"L":[{"N":"7"},{"N":"8"},{"N":"9"}]}}`, `{"a":{"L":[{"N":"7"},{"N":"9"}]}}`, `{"a":{"L":[{"N":"5"},{"N":"1"}]}}`},
		{"ADD", "ADD a :n", `{"a":{"N":"1"}}`, `{"a":{"N":"1"}}`, `{"a":{"N":"2"}}`},
	} {
		compiled, err := (*Compiler)(nil).Compile(request(t, UpdateExpression, c.text))
		if err != nil {
			t.Fatal(err)
		}
		old := item(t, c.old)
		updated, err := compiled.Update.Apply(old, nil)
		if err != nil {
			t.Fatal(err)
		}
		show := func(it attribute.Item) string {
			if it == nil {
				return ""
			}
			return string(it.AppendJSON(nil))
		}
		if got := show(compiled.Update.UpdatedOld(old)); got != c.updatedOld {
			t.Errorf("%s, old: %s, want %s", c.name, got, c.updatedOld)
		}
		if got := show(compiled.Update.UpdatedNew(updated)); got != c.updatedNew {
			t.Errorf("%s, new: %s, want %s", c.name, got, c.updatedNew)
		}
	}
}

func TestWhichUpdatesMakeAnItem(t *testing.T) {
	for text, want := range map[string]bool{"SET a = :n": true, "ADD a :n": true, "REMOVE a": false, "DELETE a :ss": false, "REMOVE a SET b = :n": true} {
		compiled, err := (*Compiler)(nil).Compile(request(t, UpdateExpression, text))
		if err != nil || compiled.Update.Creates() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	if !(*Update)(nil).Creates() {
		t.Error("UpdateItem with a key alone makes the item")
	}
}
