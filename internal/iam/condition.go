package iam

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/arn"
	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Context holds the values of condition keys. A key without values is absent.
type Context map[string][]string

// lower spells the keys as they are compared.
func (c Context) lower() Context {
	out := make(Context, len(c))
	for k, v := range c {
		out[strings.ToLower(k)] = v
	}
	return out
}

// knownAbsent tells of keys that a function's call does not have on AWS
// either, so that their absence is an answer and not a gap of ours.
func knownAbsent(key string) bool {
	switch key {
	case "aws:username", "aws:sourceidentity", "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:viaawsservice":
		return true
	}
	return false
}

// Condition is one comparison of a condition block (IAM JSON policy elements:
// Condition operators).
type Condition struct {
	Operator string // lower case, without set prefix, Not and IfExists
	Key      string // lower case
	Values   []string
	// Negated is for operators with Not; IfExists fulfils the condition when
	// the key is absent. ForAll and ForAny are the set operators.
	Negated, IfExists, ForAll, ForAny bool
}

// comparisons are the operators without their negations.
var comparisons = map[string]func(value, wanted string) bool{
	"stringequals":             func(v, w string) bool { return v == w },
	"stringequalsignorecase":   strings.EqualFold,
	"stringlike":               func(v, w string) bool { return arn.Like(w, v) },
	"arnequals":                func(v, w string) bool { return arn.Match(w, v) }, // the same as ArnLike (IAM User Guide)
	"arnlike":                  func(v, w string) bool { return arn.Match(w, v) },
	"binaryequals":             func(v, w string) bool { return v == w },
	"bool":                     strings.EqualFold,
	"ipaddress":                inNetwork,
	"numericequals":            numeric(func(c int) bool { return c == 0 }),
	"numericlessthan":          numeric(func(c int) bool { return c < 0 }),
	"numericlessthanequals":    numeric(func(c int) bool { return c <= 0 }),
	"numericgreaterthan":       numeric(func(c int) bool { return c > 0 }),
	"numericgreaterthanequals": numeric(func(c int) bool { return c >= 0 }),
	"dateequals":               dates(func(c int) bool { return c == 0 }),
	"datelessthan":             dates(func(c int) bool { return c < 0 }),
	"datelessthanequals":       dates(func(c int) bool { return c <= 0 }),
	"dategreaterthan":          dates(func(c int) bool { return c > 0 }),
	"dategreaterthanequals":    dates(func(c int) bool { return c >= 0 }),
}

// negations are the operators that hold when another one does not.
var negations = map[string]string{
	"stringnotequals":           "stringequals",
	"stringnotequalsignorecase": "stringequalsignorecase",
	"stringnotlike":             "stringlike",
	"arnnotequals":              "arnequals",
	"arnnotlike":                "arnlike",
	"notipaddress":              "ipaddress",
	"numericnotequals":          "numericequals",
	"datenotequals":             "dateequals",
}

func parseConditions(key string, n *document.Node) ([]Condition, diag.List) {
	var out []Condition
	var msgs diag.List
	for _, op := range n.Members {
		c := Condition{Operator: strings.ToLower(op.Key)}
		c.Operator, c.ForAll = strings.CutPrefix(c.Operator, "forallvalues:")
		c.Operator, c.ForAny = strings.CutPrefix(c.Operator, "foranyvalue:")
		c.Operator, c.IfExists = strings.CutSuffix(c.Operator, "ifexists")
		if positive := negations[c.Operator]; positive != "" {
			c.Operator, c.Negated = positive, true
		}
		if comparisons[c.Operator] == nil && c.Operator != "null" {
			msgs.Add(diag.Errorf(op.KeyPos, key+"."+op.Key, "there is no condition operator of this name"))
			continue
		}
		for _, m := range op.Value.Members {
			one := c
			one.Key, one.Values = strings.ToLower(m.Key), m.Value.Strings()
			out = append(out, one)
		}
	}
	return out, msgs
}

// holds tells whether the condition is fulfilled.
func (c *Condition) holds(ctx Context, variables bool) bool {
	values := ctx[c.Key]
	if c.Operator == "null" {
		return slices.ContainsFunc(c.Values, func(w string) bool { return strings.EqualFold(w, "true") == (len(values) == 0) })
	}
	if len(values) == 0 {
		// An absent key fulfils ForAllValues and negations, but not
		// ForAnyValue (IAM User Guide, "Multivalued context keys").
		return c.IfExists || c.ForAll || c.Negated && !c.ForAny
	}
	one := func(value string) bool { return c.anyWanted(value, ctx, variables) != c.Negated }
	if c.ForAll || c.Negated && !c.ForAny {
		return !slices.ContainsFunc(values, func(v string) bool { return !one(v) })
	}
	return slices.ContainsFunc(values, one)
}

// anyWanted tells whether a value compares with any of the policy's values.
func (c *Condition) anyWanted(value string, ctx Context, variables bool) bool {
	for _, w := range c.Values {
		if variables {
			var ok bool
			if w, ok = expand(w, ctx); !ok {
				continue
			}
		}
		if comparisons[c.Operator](value, w) {
			return true
		}
	}
	return false
}

// expand replaces ${key} by the key's value, ${key, 'default'} by the default
// when there is none, and ${*}, ${?}, ${$} by the character. It fails for a
// key without a value: such a text matches nothing.
func expand(text string, ctx Context) (string, bool) {
	if !strings.Contains(text, "${") {
		return text, true
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			b.WriteString("${" + after)
			return b.String(), true
		}
		text = rest
		key, fallback, hasFallback := strings.Cut(name, ",")
		values := ctx[strings.ToLower(strings.TrimSpace(key))]
		switch {
		case name == "*" || name == "?":
			// The pattern language has no escapes; one character of any kind
			// is the closest.
			b.WriteByte('?')
		case name == "$":
			b.WriteByte('$')
		case len(values) == 1:
			b.WriteString(values[0])
		case hasFallback:
			b.WriteString(strings.Trim(strings.TrimSpace(fallback), "'"))
		default:
			return "", false
		}
	}
}

func inNetwork(value, wanted string) bool {
	ip, err := netip.ParseAddr(value)
	if err != nil {
		return false
	}
	if network, err := netip.ParsePrefix(wanted); err == nil {
		return network.Contains(ip.Unmap())
	}
	other, err := netip.ParseAddr(wanted)
	return err == nil && other.Unmap() == ip.Unmap()
}

func numeric(holds func(compared int) bool) func(value, wanted string) bool {
	return func(value, wanted string) bool {
		v, err := strconv.ParseFloat(value, 64)
		w, err2 := strconv.ParseFloat(wanted, 64)
		if err != nil || err2 != nil {
			return false
		}
		switch {
		case v < w:
			return holds(-1)
		case v > w:
			return holds(1)
		}
		return holds(0)
	}
}

func dates(holds func(compared int) bool) func(value, wanted string) bool {
	return func(value, wanted string) bool {
		v, ok := parseDate(value)
		w, ok2 := parseDate(wanted)
		return ok && ok2 && holds(v.Compare(w))
	}
}

// parseDate reads the forms that policies may use: ISO 8601 to the day or
// finer, and seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0), true
	}
	return time.Time{}, false
}
