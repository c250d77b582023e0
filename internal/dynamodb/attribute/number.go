package attribute

import (
	"math"
	"strconv"
	"strings"
)

// Number is an exact decimal in DynamoDB's canonical text: no exponent, no
// sign on zero, no zeros in front or behind. Equal numbers have equal text, so
// == compares them. The empty Number is 0.
type Number string

// Limits of a number (Amazon DynamoDB Developer Guide, "Supported data types
// and naming rules": 38 digits, 1E-130 to 9.99...E+125).
const (
	maxDigits   = 38
	maxExponent = 125  // of the first significant digit
	minExponent = -130 // likewise
)

// The refusals of a number.
const (
	numberOverflow  = "Number overflow. Attempting to store a number with magnitude larger than supported range"
	numberUnderflow = "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	numberPrecision = "Attempting to store more than 38 significant digits in a Number"
	notNumeric      = "The parameter cannot be converted to a numeric value"
)

// NumberFromInt converts a Go integer.
func NumberFromInt(i int64) Number { return Number(strconv.FormatInt(i, 10)) }

func (n Number) canonical() Number {
	if n == "" {
		return "0"
	}
	return n
}

// ParseNumber reads a number as DynamoDB does: an optional sign, digits with
// an optional point, an optional exponent, nothing else, not even spaces.
func ParseNumber(text string, layer Layer) (Number, error) {
	if isCanonical(text) {
		return Number(text), nil
	}
	d, err := parseDecimal(text, layer)
	if err != nil {
		return "", err
	}
	return d.number(), nil
}

// isCanonical recognises what programs send nearly always, a short number
// already in canonical form, which is then taken as it is.
func isCanonical(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	if len(digits) == 0 || len(digits) > maxDigits || s == "-0" {
		return false
	}
	if digits[0] == '0' && len(digits) > 1 && digits[1] != '.' {
		return false
	}
	point := -1
	for i := 0; i < len(digits); i++ {
		switch c := digits[i]; {
		case c >= '0' && c <= '9':
		case c == '.' && point < 0 && i > 0:
			point = i
		default:
			return false
		}
	}
	return point < 0 || digits[len(digits)-1] >= '1' && digits[len(digits)-1] <= '9'
}

// decimal is a number taken apart: 0.d1d2d3... x 10^point, d1 and the last
// digit not zero. Zero has no digits.
type decimal struct {
	negative bool
	point    int
	digits   string
}

func refuseNumber(text string, layer Layer) error {
	if text == "" && layer == Old {
		return Invalid(notNumeric)
	}
	return Invalid(notNumeric + ": " + text)
}

// parseDecimal is the long way round: any accepted form, any length.
func parseDecimal(text string, layer Layer) (decimal, error) {
	var d decimal
	rest := text
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		d.negative = rest[0] == '-'
		rest = rest[1:]
	}
	mantissa, exponentText, hasExponent := cutExponent(rest)
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole == "" && fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return d, refuseNumber(text, layer)
	}
	exponent := int64(0)
	if hasExponent {
		var ok bool
		if exponent, ok = parseExponent(exponentText, layer); !ok {
			return d, refuseNumber(text, layer)
		}
	}
	all := whole + fraction
	trimmed := strings.TrimLeft(all, "0")
	if trimmed == "" {
		// A zero is as large as its last digit's place: 0e126 is too large and
		// 0.0e126 is not (ScyllaDB's tests of Alternator, run against AWS).
		d.negative = false
		return d, checkMagnitude(addSaturated(exponent, -int64(len(fraction))))
	}
	point := int64(len(whole) - (len(all) - len(trimmed)))
	d.digits = strings.TrimRight(trimmed, "0")
	if err := checkMagnitude(addSaturated(exponent, point-1)); err != nil {
		return d, err
	}
	if len(d.digits) > maxDigits {
		return d, Invalid(numberPrecision)
	}
	d.point = int(exponent + point)
	return d, nil
}

func cutExponent(s string) (mantissa, exponent string, found bool) {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// parseExponent reads what follows the e. The new validation reads 64 bits;
// the old one 32, where the largest value wraps around to an underflow.
func parseExponent(s string, layer Layer) (int64, bool) {
	digits := s
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		digits = digits[1:]
	}
	if digits == "" || !allDigits(digits) {
		return 0, false
	}
	bits := 64
	if layer == Old {
		bits = 32
	}
	e, err := strconv.ParseInt(s, 10, bits)
	if err != nil {
		return 0, false
	}
	if layer == Old && e == math.MaxInt32 {
		e = math.MinInt32
	}
	return e, true
}

func addSaturated(a, b int64) int64 {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}

func checkMagnitude(exponent int64) error {
	switch {
	case exponent > maxExponent:
		return Invalid(numberOverflow)
	case exponent < minExponent:
		return Invalid(numberUnderflow)
	}
	return nil
}

// number writes the canonical text.
func (d decimal) number() Number {
	n := len(d.digits)
	if n == 0 {
		return "0"
	}
	var b strings.Builder
	b.Grow(n + max(d.point-n, -d.point, 0) + 3)
	if d.negative {
		b.WriteByte('-')
	}
	switch {
	case d.point <= 0:
		b.WriteString("0.")
		writeZeros(&b, -d.point)
		b.WriteString(d.digits)
	case d.point >= n:
		b.WriteString(d.digits)
		writeZeros(&b, d.point-n)
	default:
		b.WriteString(d.digits[:d.point])
		b.WriteByte('.')
		b.WriteString(d.digits[d.point:])
	}
	return Number(b.String())
}

func writeZeros(b *strings.Builder, n int) {
	for ; n > 0; n-- {
		b.WriteByte('0')
	}
}

// decimal takes canonical text apart. It needs no checks.
func (n Number) decimal() decimal {
	var d decimal
	s := string(n.canonical())
	if s == "0" {
		return d
	}
	if s[0] == '-' {
		d.negative = true
		s = s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	d.point = len(whole)
	switch {
	case whole == "0":
		d.digits = strings.TrimLeft(fraction, "0")
		d.point = len(d.digits) - len(fraction)
	case fraction == "":
		d.digits = strings.TrimRight(whole, "0")
	default:
		d.digits = whole + fraction
	}
	return d
}

// Compare orders numbers by value: -1, 0 or 1. On canonical text that is the
// sign, then the length of the whole part, then the bytes.
func (n Number) Compare(other Number) int {
	a, b := string(n.canonical()), string(other.canonical())
	negative := a[0] == '-'
	switch {
	case a == b:
		return 0
	case negative && b[0] != '-':
		return -1
	case !negative && b[0] == '-':
		return 1
	case negative:
		return compareMagnitude(b[1:], a[1:])
	}
	return compareMagnitude(a, b)
}

func compareMagnitude(a, b string) int {
	if la, lb := wholeLength(a), wholeLength(b); la != lb {
		if la < lb {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

func wholeLength(s string) int {
	if i := strings.IndexByte(s, '.'); i >= 0 {
		return i
	}
	return len(s)
}

// size is what a number costs in an item: a byte, one for each pair of digits
// before and after the point (zeros at both ends left out), one for a minus.
func (n Number) size() int {
	s := string(n.canonical())
	if s == "0" {
		return 1
	}
	size := 1
	if s[0] == '-' {
		size++
		s = s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	switch {
	case whole == "0":
		fraction = strings.TrimLeft(fraction, "0")
		whole = ""
	case fraction == "":
		whole = strings.TrimRight(whole, "0")
	}
	return size + (len(whole)+1)/2 + (len(fraction)+1)/2
}
