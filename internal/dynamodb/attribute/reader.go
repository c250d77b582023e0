package attribute

import (
	"encoding/base64"
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
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

// Struct reads an object with known members, yielding their names. typ is the
// structure's name, for the error when an array stands there.
func (r *Reader) Struct(typ string) iter.Seq[string] {
	return r.object("Unexpected field type", "Unrecognized collection type class com.amazonaws.dynamodb.v20120810."+typ, true)
}

// Entry reads an object that is an entry of a map or list, like [Reader.Struct].
func (r *Reader) Entry(typ string) iter.Seq[string] {
	return r.object("Unexpected value type in payload", "Unrecognized collection type class com.amazonaws.dynamodb.v20120810."+typ, true)
}

// Map reads an object with arbitrary names, whose values are of type typ.
// Entries that are null are yielded too.
func (r *Reader) Map(typ string) iter.Seq[string] {
	if !strings.Contains(typ, ".") {
		typ = "com.amazonaws.dynamodb.v20120810." + typ
	}
	return r.object("Unexpected field type", "Unrecognized collection type java.util.Map<java.lang.String, "+typ+">", false)
}

func (r *Reader) object(onScalar, onArray string, skipNull bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		switch c := r.peek(); c {
		case '{':
		case '[':
			r.fail(onArray)
			return
		default:
			r.failScalar(c, onScalar)
			return
		}
		r.pos++
		if r.accept('}') {
			return
		}
		for r.err == nil {
			if r.peek() != '"' {
				r.malformed()
				return
			}
			name := r.quoted()
			r.expect(':')
			if !r.member(func() bool { return yield(name) }, skipNull) {
				return
			}
			if r.accept('}') {
				return
			}
			r.expect(',')
		}
	}
}

// member lets the loop body read one value and reads it itself if the body
// did not.
func (r *Reader) member(body func() bool, skipNull bool) bool {
	c := r.peek()
	if c == 'n' && skipNull {
		r.Skip()
		return r.err == nil
	}
	at := r.pos
	if r.err != nil || !body() {
		return false
	}
	if r.err == nil && r.pos == at {
		r.Skip()
	}
	return r.err == nil
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
		if r.accept(']') {
			return
		}
		for i := 0; r.err == nil; i++ {
			if !r.member(func() bool { return yield(i) }, false) {
				return
			}
			if r.accept(']') {
				return
			}
			r.expect(',')
		}
	}
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

// number takes the text of a JSON number.
func (r *Reader) number() string {
	start := r.pos
	if r.pos < len(r.text) && r.text[r.pos] == '-' {
		r.pos++
	}
	zero := r.pos < len(r.text) && r.text[r.pos] == '0'
	if n := r.digits(); n == 0 || zero && n > 1 {
		r.malformed()
		return ""
	}
	if r.pos < len(r.text) && r.text[r.pos] == '.' {
		r.pos++
		if r.digits() == 0 {
			r.malformed()
		}
	}
	if r.pos < len(r.text) && (r.text[r.pos] == 'e' || r.text[r.pos] == 'E') {
		r.pos++
		if r.pos < len(r.text) && (r.text[r.pos] == '+' || r.text[r.pos] == '-') {
			r.pos++
		}
		if r.digits() == 0 {
			r.malformed()
		}
	}
	return r.text[start:r.pos]
}

func (r *Reader) digits() int {
	start := r.pos
	for r.pos < len(r.text) && r.text[r.pos] >= '0' && r.text[r.pos] <= '9' {
		r.pos++
	}
	return r.pos - start
}

// Skip reads any value and forgets it, without recursion.
func (r *Reader) Skip() {
	r.Raw()
}

// Raw reads any value and returns its text, for values read later or compared
// as a whole.
func (r *Reader) Raw() string {
	r.peek()
	start := r.pos
	var open []byte // the closing bracket of each open one
	for r.err == nil {
		if r.opens(&open) {
			continue
		}
		for r.err == nil && len(open) > 0 && r.accept(open[len(open)-1]) {
			open = open[:len(open)-1]
		}
		if r.err != nil || len(open) == 0 {
			break
		}
		r.expect(',')
		if open[len(open)-1] == '}' {
			r.name()
		}
	}
	if r.err != nil {
		return ""
	}
	return r.text[start:r.pos]
}

// opens reads a scalar, an empty bracket, or an opening bracket, and is true
// when a value inside the bracket comes next.
func (r *Reader) opens(open *[]byte) bool {
	switch c := r.peek(); {
	case c == '{':
		r.pos++
		if r.accept('}') {
			return false
		}
		*open = append(*open, '}')
		r.name()
		return true
	case c == '[':
		r.pos++
		if r.accept(']') {
			return false
		}
		*open = append(*open, ']')
		return true
	case c == '"':
		r.quoted()
	case c == 't':
		r.literal("true")
	case c == 'f':
		r.literal("false")
	case c == 'n':
		r.literal("null")
	case c == '-' || c >= '0' && c <= '9':
		r.number()
	default:
		r.malformed()
	}
	return false
}

func (r *Reader) name() {
	if r.peek() != '"' {
		r.malformed()
		return
	}
	r.quoted()
	r.expect(':')
}

// quoted reads a string whose opening quote is next. Without escapes it is a
// part of the body.
func (r *Reader) quoted() string {
	r.pos++
	start, ascii := r.pos, true
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; {
		case c == '"':
			s := r.text[start:r.pos]
			r.pos++
			if !ascii && !utf8.ValidString(s) {
				return strings.ToValidUTF8(s, "\ufffd")
			}
			return s
		case c == '\\':
			return r.escaped(start)
		case c < 0x20:
			r.malformed()
			return ""
		case c >= utf8.RuneSelf:
			ascii = false
		}
		r.pos++
	}
	r.malformed()
	return ""
}

// escaped continues a string that has escapes from the first of them.
func (r *Reader) escaped(start int) string {
	b := []byte(r.text[start:r.pos])
	for r.pos < len(r.text) {
		c := r.text[r.pos]
		r.pos++
		switch {
		case c == '"':
			return strings.ToValidUTF8(string(b), "\ufffd")
		case c < 0x20:
			r.malformed()
			return ""
		case c != '\\':
			b = append(b, c)
		default:
			b = r.escape(b)
		}
	}
	r.malformed()
	return ""
}

func (r *Reader) escape(b []byte) []byte {
	if r.pos == len(r.text) {
		return b
	}
	c := r.text[r.pos]
	r.pos++
	switch c {
	case '"', '\\', '/':
		return append(b, c)
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case 'n':
		return append(b, '\n')
	case 'r':
		return append(b, '\r')
	case 't':
		return append(b, '\t')
	case 'u':
		return utf8.AppendRune(b, r.unicode())
	}
	r.malformed()
	return b
}

// unicode reads the digits of \uXXXX and, for the first half of a surrogate
// pair, the second; a half alone is U+FFFD.
func (r *Reader) unicode() rune {
	first := r.hex4()
	if !utf16.IsSurrogate(first) {
		return first
	}
	if strings.HasPrefix(r.text[r.pos:], `\u`) {
		at := r.pos
		r.pos += 2
		if pair := utf16.DecodeRune(first, r.hex4()); pair != utf8.RuneError {
			return pair
		}
		r.pos = at
	}
	return utf8.RuneError
}

func (r *Reader) hex4() rune {
	if r.pos+4 > len(r.text) {
		r.malformed()
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(r.text[r.pos:r.pos+4], 16, 16)
	if err != nil || strings.ContainsAny(r.text[r.pos:r.pos+4], "+_") {
		r.malformed()
		return utf8.RuneError
	}
	r.pos += 4
	return rune(n)
}
