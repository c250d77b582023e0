// Package request is DynamoDB's requests: each operation's input, read from
// JSON and checked as far as a request can be checked without its table.
//
// Reading never stops at a value that DynamoDB refuses; it finds mistakes in
// the JSON itself, which come first. Check then reports what DynamoDB reports
// first, in the words of package message.
package request

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/dynamodb/message"
)

// maxFailures is how many failed constraints one answer lists.
const maxFailures = 10

// namePattern is what names of tables and indexes may consist of.
const namePattern = "[a-zA-Z0-9_.-]+"

// tagPattern is what keys and values of tags may consist of.
const tagPattern = `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`

var validTag = regexp.MustCompile("^" + tagPattern + "$")

// isName tells whether a text matches namePattern; every call has one or two.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return s != ""
}

// Enumerations in the order in which DynamoDB lists their values.
const (
	enumConsumed      = "[INDEXES, TOTAL, NONE]"
	enumMetrics       = "[SIZE, NONE]"
	enumReturnValues  = "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]"
	enumReturnsNew    = "[ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]" // sic
	enumOnFailure     = "[ALL_OLD, NONE]"
	enumSelect        = "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]"
	enumConnective    = "[OR, AND]"
	enumConnectiveNew = "[ALL, OR]" // sic
	enumScalar        = "[B, N, S]"
	enumKey           = "[HASH, RANGE]"
	enumBilling       = "[PROVISIONED, PAY_PER_REQUEST]"
	enumProjection    = "[ALL, INCLUDE, KEYS_ONLY]"
	enumView          = "[NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY]"
	enumClass         = "[STANDARD, STANDARD_INFREQUENT_ACCESS]"
)

// constraints collects what members of a request break. The old validation
// lists all failures with their values, the new one names the first without
// its value, except when a required member is missing.
type constraints struct {
	layer    attribute.Layer
	failures []failure
	missing  bool
}

type failure struct {
	path  string // lowerCamel
	value string // quoted, or null
	tail  string
	enum  bool
	// old failures are worded as the old validation does in either.
	old bool
	// mapValue failures word the constraint of a map's values.
	mapValue bool
}

func (c *constraints) fail(path, value, format string, args ...any) {
	c.failures = append(c.failures, failure{path: path, value: "'" + value + "'", tail: fmt.Sprintf(format, args...)})
}

// required reports an absent member.
func (c *constraints) required(path string, given bool) {
	if !given {
		c.missing = true
		c.failures = append(c.failures, failure{path: path, value: "null", tail: "not be null"})
	}
}

// enum checks a value against a list such as "[A, B]"; nil passes.
func (c *constraints) enum(path string, v *string, set string) {
	if v == nil {
		return
	}
	accepted := strings.ReplaceAll(set, "UPDATE_NEW", "UPDATED_NEW")
	for allowed := range strings.SplitSeq(accepted[1:len(accepted)-1], ", ") {
		if *v == allowed {
			return
		}
	}
	c.failures = append(c.failures, failure{path: path, value: "'" + *v + "'", tail: "satisfy enum value set: " + set, enum: true})
}

// oldEnum is enum for members of conditions from before expressions, which
// Alternator's tests (run against AWS) see named in the old way.
func (c *constraints) oldEnum(path string, v *string, set string) {
	n := len(c.failures)
	if c.enum(path, v, set); len(c.failures) > n {
		c.failures[n].old = true
	}
}

// length checks a text's length in characters; nil passes.
func (c *constraints) length(path string, v *string, shortest, longest int) {
	if v != nil {
		c.count(path, *v, utf8.RuneCountInString(*v), shortest, longest)
	}
}

// count checks the length of a text or the size of a list that is shown as
// value.
func (c *constraints) count(path, value string, n, least, most int) {
	switch {
	case n < least:
		c.fail(path, value, "have length greater than or equal to %d", least)
	case n > most:
		c.fail(path, value, "have length less than or equal to %d", most)
	}
}

// name checks a name of a table or index; nil passes.
func (c *constraints) name(path string, v *string, shortest int) {
	if v == nil {
		return
	}
	const longest = 255
	if c.layer == attribute.Old && !isName(*v) {
		c.fail(path, *v, "satisfy regular expression pattern: %s", namePattern)
	}
	c.length(path, v, shortest, longest)
	if c.layer == attribute.New && !isName(*v) {
		c.fail(path, *v, "satisfy regular expression pattern: %s", namePattern)
	}
}

// pattern checks what a text consists of; nil passes.
func (c *constraints) pattern(path string, v *string, valid *regexp.Regexp, pattern string) {
	if v != nil && !valid.MatchString(*v) {
		c.fail(path, *v, "satisfy regular expression pattern: %s", pattern)
	}
}

// atLeast checks a number; nil passes.
func (c *constraints) atLeast(path string, v *int64, least int64) {
	if v != nil && *v < least {
		c.fail(path, strconv.FormatInt(*v, 10), "have value greater than or equal to %d", least)
	}
}

// atMost checks a number; nil passes.
func (c *constraints) atMost(path string, v *int64, most int64) {
	if v != nil && *v > most {
		c.fail(path, strconv.FormatInt(*v, 10), "have value less than or equal to %d", most)
	}
}

// err is the refusal of everything that failed, nil when nothing did.
func (c *constraints) err() error {
	switch {
	case len(c.failures) == 0:
		return nil
	case c.layer == attribute.New && !c.missing && !c.failures[0].old:
		return attribute.Invalid(message.OneError + c.failures[0].short())
	}
	if len(c.failures) > maxFailures {
		c.failures = c.failures[:maxFailures]
	}
	text := message.OneError
	if n := len(c.failures); n > 1 {
		text = fmt.Sprintf("%d validation errors detected: ", n)
	}
	for i, f := range c.failures {
		if i > 0 {
			text += "; "
		}
		subject := "Member must "
		if f.mapValue {
			subject = "Map value must "
		}
		text += "Value " + f.value + " at '" + f.path + "' failed to satisfy constraint: " + subject + f.tail
	}
	return attribute.Invalid(text)
}

// short is the new validation's wording.
func (f failure) short() string {
	if f.enum {
		return "Failed to satisfy constraint: Member must " + f.tail
	}
	return "Value at '" + upperCamel(f.path) + "' failed to satisfy constraint: Member must " + f.tail
}

// upperCamel is a path with every member's name in upper camel case, except
// for names of tables and the word member.
func upperCamel(path string) string {
	parts := strings.Split(path, ".")
	inTable := false
	for i, p := range parts {
		if p == "member" || inTable {
			inTable = inTable && p != "member"
			continue
		}
		inTable = p == "requestItems"
		r, n := utf8.DecodeRuneInString(p)
		parts[i] = string(unicode.ToUpper(r)) + p[n:]
	}
	return strings.Join(parts, ".")
}

// inOrder runs checks until one fails; each may rely on those before it.
func inOrder(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// firstError is the first failure of checks that do not rely on one another.
func firstError(checks ...error) error {
	for _, err := range checks {
		if err != nil {
			return err
		}
	}
	return nil
}
