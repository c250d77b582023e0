package attribute

import (
	"bytes"
	"strconv"
)

// Add is the exact sum. A result that needs more than 38 digits is an
// overflow, as DynamoDB words it.
func (n Number) Add(other Number) (Number, error) {
	if sum, ok := addSmall(n, other, 1); ok {
		return sum, nil
	}
	return addDecimals(n.decimal(), other.decimal())
}

// Sub is the exact difference.
func (n Number) Sub(other Number) (Number, error) {
	if difference, ok := addSmall(n, other, -1); ok {
		return difference, nil
	}
	b := other.decimal()
	b.negative = !b.negative
	return addDecimals(n.decimal(), b)
}

// addSmall does with machine integers what counters need.
func addSmall(a, b Number, sign int64) (Number, bool) {
	const safe = 18 // digits and a sign whose sum fits an int64
	if len(a) > safe || len(b) > safe {
		return "", false
	}
	x, err := strconv.ParseInt(string(a.canonical()), 10, 64)
	if err != nil {
		return "", false
	}
	y, err := strconv.ParseInt(string(b.canonical()), 10, 64)
	if err != nil {
		return "", false
	}
	return NumberFromInt(x + sign*y), true
}

// column is one decimal place of a sum: wide enough for every place that two
// numbers in range can have (255), one digit a byte, most significant first.
const columns = maxExponent - minExponent + maxDigits + 4

func addDecimals(a, b decimal) (Number, error) {
	if len(a.digits) == 0 {
		return b.number(), nil
	}
	if len(b.digits) == 0 {
		return a.number(), nil
	}
	var x, y [columns]byte
	top := max(a.point, b.point) + 1 // one place for the carry
	a.spread(&x, top)
	b.spread(&y, top)
	sum := decimal{negative: a.negative, point: top}
	if a.negative == b.negative {
		addColumns(&x, &y)
	} else {
		if bytes.Compare(x[:], y[:]) < 0 {
			x, y = y, x
			sum.negative = b.negative
		}
		subtractColumns(&x, &y)
	}
	return sum.normalise(x[:])
}

// spread lays the digits out in columns, the first column worth 10^(top-1).
func (d decimal) spread(out *[columns]byte, top int) {
	for i := range len(d.digits) {
		out[top-d.point+i] = d.digits[i] - '0'
	}
}

func addColumns(x, y *[columns]byte) {
	carry := byte(0)
	for i := columns - 1; i >= 0; i-- {
		s := x[i] + y[i] + carry
		carry = 0
		if s > 9 {
			s, carry = s-10, 1
		}
		x[i] = s
	}
}

// subtractColumns takes y from x, which is at least as large.
func subtractColumns(x, y *[columns]byte) {
	borrow := byte(0)
	for i := columns - 1; i >= 0; i-- {
		take := y[i] + borrow
		borrow = 0
		if x[i] < take {
			x[i] += 10
			borrow = 1
		}
		x[i] -= take
	}
}

// normalise turns columns back into digits and checks the result's range.
func (d decimal) normalise(places []byte) (Number, error) {
	first := bytes.IndexFunc(places, func(r rune) bool { return r != 0 })
	if first < 0 {
		return "0", nil
	}
	last := len(places) - 1
	for places[last] == 0 {
		last--
	}
	d.point -= first
	for i := range places {
		places[i] += '0'
	}
	d.digits = string(places[first : last+1])
	if err := checkMagnitude(int64(d.point - 1)); err != nil {
		return "", err
	}
	if len(d.digits) > maxDigits {
		return "", Invalid(numberOverflow)
	}
	return d.number(), nil
}
