package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mismatch is a step that saw something else than it should have.
type mismatch struct{ what, expected, seen string }

func (m *mismatch) Error() string {
	return fmt.Sprintf("%s: expected %s, saw %s", m.what, shorten(m.expected), shorten(m.seen))
}

// shorten keeps a line of the table readable.
func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = s[:300] + "…"
	}
	return s
}

// fitsText compares a text; an expectation between slashes is a regular
// expression.
func fitsText(expected, seen string) bool {
	if n := len(expected); n > 1 && expected[0] == '/' && expected[n-1] == '/' {
		re, err := regexp.Compile("(?s)" + expected[1:n-1])
		return err == nil && re.MatchString(seen)
	}
	return expected == seen
}

func expectText(what, expected, seen string) error {
	if expected == "" || fitsText(expected, seen) {
		return nil
	}
	return &mismatch{what, strconv.Quote(expected), strconv.Quote(seen)}
}

// expectJSON compares a JSON text with what a description says. An object may
// have more keys than are expected, a list may not have more elements.
func expectJSON(what string, expected any, seen string) error {
	if expected == nil {
		return nil
	}
	var v any
	d := json.NewDecoder(strings.NewReader(seen))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return &mismatch{what, "JSON", strconv.Quote(seen)}
	}
	return expectValue(what, expected, v)
}

func expectValue(what string, expected, seen any) error {
	switch want := expected.(type) {
	case map[string]any:
		got, ok := seen.(map[string]any)
		if !ok {
			return &mismatch{what, "an object", show(seen)}
		}
		for _, k := range slices.Sorted(maps.Keys(want)) {
			v, ok := got[k]
			if !ok && want[k] != nil {
				return &mismatch{what + "." + k, show(want[k]), "nothing in " + show(seen)}
			}
			if err := expectValue(what+"."+k, want[k], v); err != nil {
				return err
			}
		}
		return nil
	case []any:
		got, ok := seen.([]any)
		if !ok || len(got) != len(want) {
			return &mismatch{what, show(expected), show(seen)}
		}
		for i := range want {
			if err := expectValue(fmt.Sprintf("%s[%d]", what, i), want[i], got[i]); err != nil {
				return err
			}
		}
		return nil
	case nil:
		if seen == nil {
			return nil
		}
	case string:
		if s, ok := seen.(string); ok && fitsText(want, s) {
			return nil
		}
		if n, ok := seen.(json.Number); ok && n.String() != want && fitsText(want, n.String()) {
			return nil
		}
	default:
		if fmt.Sprint(want) == fmt.Sprint(seen) {
			return nil
		}
	}
	return &mismatch{what, show(expected), show(seen)}
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// expectOrder looks for texts one after the other.
func expectOrder(what string, order []string, seen string) error {
	rest := seen
	for _, text := range order {
		i := strings.Index(rest, text)
		if i < 0 {
			return &mismatch{what, strconv.Quote(text) + " (in order)", strconv.Quote(seen)}
		}
		rest = rest[i+len(text):]
	}
	return nil
}

// pick reads a value of a JSON text by a path of keys and positions: a.0.b.
// The path "." is the whole text.
func pick(text, path string) (string, error) {
	if path == "." {
		return text, nil
	}
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", &mismatch{"the value of " + path, "JSON", strconv.Quote(text)}
	}
	for key := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(x) {
				return "", &mismatch{"the value of " + path, "an element " + key, show(x)}
			}
			v = x[i]
		default:
			return "", &mismatch{"the value of " + path, "an object or a list", show(v)}
		}
	}
	if s, ok := v.(string); ok {
		return s, nil
	}
	if v == nil {
		return "", &mismatch{"the value of " + path, "something", "nothing in " + text}
	}
	return show(v), nil
}
