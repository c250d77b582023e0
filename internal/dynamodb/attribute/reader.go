package attribute

import (
	"encoding/base64"
	"iter"
	"math"
	"strconv"
	"strings"
)

// Reader reads a request body once, from front to back, checking each member's
// JSON type as DynamoDB does before it validates anything. Requests consist
// mostly of attribute values, so reading them straight from the bytes saves a
// tree of maps.
//
// The first error sticks: later reads return zero values and loops end, so
// callers read a whole request and ask [Reader.Err] once.
//
//	r := attribute.NewReader(body)
//	for name := range r.Struct("GetItemInput") {
//		switch name {
//		case "TableName":
//			req.Table = r.Text()
//		case "Key":
//			req.Key, req.invalidKey = r.Item(attribute.New)
//		}
//	}
//	if err := r.End(); err != nil { … }
//
// A loop body that reads nothing skips the member, and members whose value is
// null are skipped by the loop, because null means absent.
type Reader struct {
	text string
	pos  int
	err  *Error
}

// NewReader reads one JSON document. It copies data once; the texts it returns
// are parts of that copy.
func NewReader(data []byte) *Reader { return &Reader{text: string(data)} }

// Err is the first error met, a SerializationException.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// End says whether the document was read without an error and has ended.
func (r *Reader) End() error {
	if r.err == nil && r.peek() != 0 {
		r.malformed()
	}
	return r.Err()
}

func (r *Reader) fail(message string) {
	if r.err == nil {
		r.err = serialization(message)
	}
}

// malformed reports what is not JSON; DynamoDB sends no message then.
func (r *Reader) malformed() { r.fail("") }

// peek is the first byte of the next token; 0 at the end and after an error.
func (r *Reader) peek() byte {
	if r.err != nil {
		return 0
	}
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		case 0:
			r.malformed()
			return 0
		default:
			return c
		}
	}
	return 0
}

func (r *Reader) accept(c byte) bool {
	if r.peek() == c {
		r.pos++
		return true
	}
	return false
}

func (r *Reader) expect(c byte) {
	if !r.accept(c) {
		r.malformed()
	}
}

// shape is what an object is in the protocol's terms, which decides how the
// errors are worded and what null means.
type shape uint8

const (
	structure shape = iota // members with known names
	entry                  // a structure in a map or list
	mapping                // arbitrary names
)

const className = "com.amazonaws.dynamodb.v20120810."

// Struct reads an object with known members, yielding their names. typ is the
// structure's name, for the error when an array stands there.
func (r *Reader) Struct(typ string) iter.Seq[string] {
	return func(yield func(string) bool) { r.object(structure, typ, yield) }
}

// Entry reads an object that is an entry of a map or list, like [Reader.Struct].
func (r *Reader) Entry(typ string) iter.Seq[string] {
	return func(yield func(string) bool) { r.object(entry, typ, yield) }
}

// Map reads an object with arbitrary names, whose values are of type typ.
// Entries that are null are yielded too.
func (r *Reader) Map(typ string) iter.Seq[string] {
	return func(yield func(string) bool) { r.object(mapping, typ, yield) }
}

func (r *Reader) object(is shape, typ string, yield func(string) bool) {
	if !r.openObject(is, typ) {
		return
	}
	for more := !r.accept('}'); more && r.err == nil; more = r.next('}') {
		name := r.name()
		if is != mapping && r.peek() == 'n' {
			r.literal("null")
			continue
		}
		if at := r.valueAt(); r.err != nil || !yield(name) {
			return
		} else if at == r.pos {
			r.Skip()
		}
	}
}

// openObject reads the opening bracket or words the error.
func (r *Reader) openObject(is shape, typ string) bool {
	switch c := r.peek(); {
	case c == '{':
		r.pos++
		return true
	case c == '[' && is == mapping:
		if !strings.Contains(typ, ".") {
			typ = className + typ
		}
		r.fail("Unrecognized collection type java.util.Map<java.lang.String, " + typ + ">")
	case c == '[':
		r.fail("Unrecognized collection type class " + className + typ)
	case is == entry:
		r.failScalar(c, "Unexpected value type in payload")
	default:
		r.failScalar(c, "Unexpected field type")
	}
	return false
}

// List reads an array, yielding positions from 0.
func (r *Reader) List() iter.Seq[int] {
	return func(yield func(int) bool) {
		switch c := r.peek(); c {
		case '[':
		case '{':
			r.fail("Start of structure or map found where not expected")
			return
		default:
			r.failScalar(c, "Unexpected field type")
			return
		}
		r.pos++
		i := 0
		for more := !r.accept(']'); more && r.err == nil; more = r.next(']') {
			if at := r.valueAt(); r.err != nil || !yield(i) {
				return
			} else if at == r.pos {
				r.Skip()
			}
			i++
		}
	}
}

// valueAt is where the next value begins.
func (r *Reader) valueAt() int {
	r.peek()
	return r.pos
}

// next reads what follows a member and says whether another one comes.
func (r *Reader) next(closing byte) bool {
	if r.accept(closing) {
		return false
	}
	r.expect(',')
	return r.err == nil
}

// failScalar reports a scalar where none belongs, or bytes that are no JSON.
func (r *Reader) failScalar(c byte, message string) {
	if c == '"' || c == '-' || c == 't' || c == 'f' || c == 'n' || c >= '0' && c <= '9' {
		r.fail(message)
		return
	}
	r.malformed()
}

// Null reads a null if that is what comes next.
func (r *Reader) Null() bool {
	if r.peek() != 'n' {
		return false
	}
	r.literal("null")
	return true
}

func (r *Reader) literal(word string) {
	if !strings.HasPrefix(r.text[r.pos:], word) {
		r.malformed()
		return
	}
	r.pos += len(word)
}

// Text reads a string.
func (r *Reader) Text() string {
	if r.peek() == '"' {
		return r.quoted()
	}
	r.mismatch("String", "java.lang.String")
	return ""
}

// Truth reads a boolean, for which DynamoDB also takes a few strings.
func (r *Reader) Truth() bool {
	switch r.peek() {
	case 't':
		r.literal("true")
		return true
	case 'f':
		r.literal("false")
		return false
	case '"':
		switch strings.ToUpper(r.quoted()) {
		case "TRUE", "1", "YES":
			return true
		case "FALSE", "0", "NO":
			return false
		}
		r.fail("Unexpected token received from parser")
		return false
	}
	r.mismatch("Boolean", "java.lang.Boolean")
	return false
}

// Integer reads an integer; typ is "Integer" or "Long". Fractions are floored
// and numbers out of range cut to it, as Java does.
func (r *Reader) Integer(typ string) int64 {
	c := r.peek()
	if c == '"' {
		r.fail("STRING_VALUE cannot be converted to " + typ)
		return 0
	}
	if c != '-' && (c < '0' || c > '9') {
		r.mismatch(typ, "java.lang."+typ)
		return 0
	}
	token := r.number()
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if typ == "Integer" {
		low, high = math.MinInt32, math.MaxInt32
	}
	n, err := strconv.ParseInt(token, 10, 64)
	if err != nil {
		f, _ := strconv.ParseFloat(token, 64)
		switch f = math.Floor(f); {
		case f >= float64(high):
			n = high
		case f <= float64(low):
			n = low
		default:
			n = int64(f)
		}
	}
	return min(max(n, low), high)
}

// Blob reads base64 text into bytes, as a string.
func (r *Reader) Blob() string {
	switch c := r.peek(); c {
	case '"':
	case '[':
		r.fail("Unrecognized collection type class java.nio.ByteBuffer")
		return ""
	case '{':
		r.fail("Start of structure or map found where not expected")
		return ""
	default:
		r.failScalar(c, "only base-64-encoded strings are convertible to bytes")
		return ""
	}
	text := r.quoted()
	if len(text)%4 != 0 {
		r.fail("Base64 encoded length is expected a multiple of 4 bytes but found: " + strconv.Itoa(len(text)))
		return ""
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		r.fail("Invalid last non-pad Base64 character dectected") // sic
		return ""
	}
	return string(raw)
}

// mismatch words the error of a value that is not of a scalar type.
func (r *Reader) mismatch(typ, class string) {
	switch c := r.peek(); {
	case c == '[':
		r.fail("Unrecognized collection type class " + class)
	case c == '{':
		r.fail("Start of structure or map found where not expected")
	case c == 't':
		r.fail("TRUE_VALUE cannot be converted to " + typ)
	case c == 'f':
		r.fail("FALSE_VALUE cannot be converted to " + typ)
	case c == '-' || c >= '0' && c <= '9':
		word := "NUMBER_VALUE"
		if token := r.number(); strings.ContainsAny(token, ".eE") && !isWhole(token) {
			word = "DECIMAL_VALUE"
		}
		r.fail(word + " cannot be converted to " + typ)
	case c == 'n':
		r.literal("null")
	default:
		r.malformed()
	}
}

func isWhole(token string) bool {
	f, err := strconv.ParseFloat(token, 64)
	return err == nil && f == math.Trunc(f)
}
