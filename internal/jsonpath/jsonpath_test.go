package jsonpath

import (
	"encoding/json"
	"strings"
	"testing"
)

const store = `{"store":{"book":[{"title":"A","price":8.95,"isbn":null},{"title":"B","price":12.99,"tags":["x","y"]},{"title":"C","price":8.99,"tags":[]}],` +
	`"bicycle":{"color":"red","price":19.95}},"limit":10,"a.b":{"c d":1},"dup":1,"dup":2}`

func TestPaths(t *testing.T) {
	for _, row := range []struct{ path, want string }{
		{`$.store.bicycle.color`, `"red"`},
		{`store`, "error"},
		{``, "whole"},
		{`$`, "whole"},
		{`.limit`, `10`},
		{`$['store']["bicycle"].price`, `19.95`},
		{`$['a.b']['c d']`, `1`},
		{`$.store.book[0].title`, `"A"`},
		{`$.store.book[-1].title`, `"C"`},
		{`$.store.book[9].title`, ``},
		{`$.store.book[0].isbn`, `null`},
		{`$.dup`, `2`},
		{`$.store.book.length()`, `3`},
		{`$.store.bicycle.color.length()`, `3`},
		{`$.store.book[*].title`, `"A" "B" "C"`},
		{`$.store.book.*.price`, `8.95 12.99 8.99`},
		{`$.store.book[0,2].title`, `"A" "C"`},
		{`$.store.book[0,-1].title`, `"A" "C"`},
		{`$.store.book[:2].title`, `"A" "B"`},
		{`$.store.book[1:].title`, `"B" "C"`},
		{`$.store.book[-2:-1].title`, `"B"`},
		{`$.store.bicycle['color','price']`, `"red" 19.95`},
		{`$..price`, `8.95 12.99 8.99 19.95`},
		{`$.store..tags[0]`, `"x"`},
		{`$..book[*].tags.length()`, `2`},
		{`$.store.book[?(@.price < 10)].title`, `"A" "C"`},
		{`$.store.book[?(@.price < $.limit && @.tags)].title`, `"C"`},
		{`$.store.book[?(@.title == 'B' || @.price <= 8.95)].title`, `"A" "B"`},
		{`$.store.book[?(!(@.tags))].title`, `"A"`},
		{`$.store.book[?(@.isbn == null)].title`, `"A"`},
		{`$.store.book[?(@.tags[0] == "x")].title`, `"B"`},
		{`$.store.book[?(@.title != 'B')].title`, `"A" "C"`},
		{`$.store[?(@.book)].bicycle.color`, `"red"`},
		{`$.nope[*]`, ``},
	} {
		p, err := Parse(row.path)
		if err != nil {
			if row.want != "error" {
				t.Errorf("%s: %v", row.path, err)
			}
			continue
		}
		var found []string
		if p.Definite() {
			if v, ok := p.Find([]byte(store)); ok {
				found = append(found, string(v.Raw))
			}
		} else {
			for _, v := range p.All([]byte(store)) {
				found = append(found, string(v.Raw))
			}
		}
		got := strings.Join(found, " ")
		if got == store {
			got = "whole"
		}
		if got != row.want {
			t.Errorf("%s: got %s, want %s", row.path, got, row.want)
		}
	}
}

func TestPathsThatCannotBeRead(t *testing.T) {
	for path, want := range map[string]string{
		"$.":               `"." is no JSON path: a name must follow the dot`,
		"$.a b":            `" b" is no JSON path`,
		"$[x]":             "[x] is not supported in a JSON path: use a name in quotes or a position",
		"$['a]":            `"$['a]" is no JSON path: a quote is not closed`,
		"$['a'":            `"$['a'" is no JSON path: "]" is missing`,
		"$[0,x]":           `"$[0,x]" is no JSON path: a position should be at "x]"`,
		"$[?(@.a == )]":    `"$[?(@.a == )]": "" cannot be compared in a filter`,
		"$[?(@.a]":         `"$[?(@.a]": the filter's parenthesis is not closed`,
		"$[?@.a]":          `"$[?@.a]": a filter is ?(…)`,
		"$[?(@.a =~ /x/)]": `"$[?(@.a =~ /x/)]": the filter's parenthesis is not closed`,
	} {
		if _, err := Parse(path); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
	if _, err := Parse("$[?" + strings.Repeat("(", 200)); err == nil {
		t.Error("a deep filter was read")
	}
}

func TestTexts(t *testing.T) {
	for doc, want := range map[string]string{
		`"a\n\u00e9"`: "a\né", `[1,"b",[true]]`: "[1, b, [true]]", `{"a":1,"b":null}`: "{a=1, b=null}", `1.50`: "1.50",
	} {
		if v, _ := Root([]byte(doc)); v.Text() != want {
			t.Errorf("%s: %s", doc, v.Text())
		}
	}
}

// A search within searches ends.
func TestSearchesAreBounded(t *testing.T) {
	doc := strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000)
	p, err := Parse("$" + strings.Repeat("..*", 20))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.All([]byte(doc))); n == 0 {
		t.Error("nothing was found")
	}
}

// FuzzPath: any path over any document is survived; what it finds is JSON.
func FuzzPath(f *testing.F) {
	for _, p := range []string{`$.a[0]['b'].length()`, `$..a[?(@.b > 1 && !@.c || @ == 'x')]`, `$[1:-1][*]..*`, `$["a","b"][0,-1]`} {
		f.Add(p, store)
	}
	f.Fuzz(func(t *testing.T, path, doc string) {
		p, err := Parse(path)
		if err != nil {
			return
		}
		for _, v := range p.All([]byte(doc)) {
			if !json.Valid(v.Raw) {
				t.Fatalf("%s of %s: %q", path, doc, v.Raw)
			}
		}
		if v, ok := p.Find([]byte(doc)); ok && !json.Valid(v.Raw) {
			t.Fatalf("%s of %s: %q", path, doc, v.Raw)
		}
	})
}

// FuzzValidJSON: what is JSON is what encoding/json takes for it.
func FuzzValidJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0.5e+3,true,false,null,"\u00e9\n/"]}`, ` [ ] `, `{"a" : {} , "b":[]}`, `"12345678\"90"`, `01`, `-`, `1.`, `1e`,
		`{"a":1,}`, `[1 2]`, `"\x"`, "\"\x1f\"", "\"1234567\x7f\x80\"", `tru`, `{} {}`, `{1:2}`, "\"1234567\x1f\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, want := Valid(b), json.Valid(b); got != want {
			t.Fatalf("%q: %v, encoding/json says %v", b, got, want)
		}
		if v, ok := Root(b); ok {
			v.AppendText(nil)
		}
	})
}
