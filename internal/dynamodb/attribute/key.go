package attribute

import (
	"crypto/md5"
	"errors"
	"fmt"
	"strings"
)

// Keys are stored as bytes whose order is the order of the values and which
// show where they end, so that several can stand one behind the other. A tag
// byte tells the type. Strings and binaries follow byte by byte, zero bytes
// escaped, and end in a terminator that sorts before any continuation; numbers
// follow in the form described at appendNumberKey.
const (
	keyNumber byte = 1
	keyString byte = 2
	keyBinary byte = 3

	keyEscape     byte = 0x00 // starts the two escapes below
	keyTerminator byte = 0x01
	keyZero       byte = 0xff // an escaped zero byte
)

var errKey = errors.New("malformed key bytes")

// AppendKey appends the key form of an S, N or B. Of other values it appends
// nothing: they are no keys, which the caller has checked.
func AppendKey(dst []byte, v Value) []byte {
	switch v.kind {
	case S, B:
		return append(AppendKeyPrefix(dst, v), keyEscape, keyTerminator)
	case N:
		dst = appendNumberKey(append(dst, keyNumber), Number(v.text))
		if v.text[0] != '-' {
			dst = append(dst, positiveEnd)
		}
	}
	return dst
}

// AppendKeyPrefix appends what the keys of all strings (or binaries) that
// begin with v begin with.
func AppendKeyPrefix(dst []byte, v Value) []byte {
	switch v.kind {
	case S:
		dst = append(dst, keyString)
	case B:
		dst = append(dst, keyBinary)
	default:
		return dst
	}
	rest := v.text
	for {
		i := strings.IndexByte(rest, 0)
		if i < 0 {
			return append(dst, rest...)
		}
		dst = append(append(dst, rest[:i]...), keyEscape, keyZero)
		rest = rest[i+1:]
	}
}

// DecodeKey reads one value and returns what follows it.
func DecodeKey(src []byte) (v Value, rest []byte, err error) {
	if len(src) == 0 {
		return Value{}, nil, errKey
	}
	switch tag := src[0]; tag {
	case keyNumber:
		n, rest, err := decodeNumberKey(src[1:])
		return Num(n), rest, err
	case keyString, keyBinary:
		text, rest, err := decodeTextKey(src[1:])
		if tag == keyString {
			return String(text), rest, err
		}
		return Value{kind: B, text: text}, rest, err
	default:
		return Value{}, nil, fmt.Errorf("%w: tag %d", errKey, tag)
	}
}

func decodeTextKey(src []byte) (string, []byte, error) {
	var unescaped []byte
	for i := 0; i+1 < len(src); i++ {
		if src[i] != keyEscape {
			continue
		}
		switch src[i+1] {
		case keyTerminator:
			return string(append(unescaped, src[:i]...)), src[i+2:], nil
		case keyZero:
			unescaped = append(append(unescaped, src[:i]...), 0)
			src = src[i+2:]
			i = -1
		default:
			return "", nil, errKey
		}
	}
	return "", nil, errKey
}

// The number form is the one Oracle databases use and DynamoDB hashes: a byte
// with sign and exponent to the base 100, then one byte for each pair of
// digits, one more than the pair. Negative numbers have every byte mirrored
// and end in a byte larger than any mirrored pair. Zero is the first byte of
// the smallest positive numbers without any pair.
const (
	numberZero     byte = 0x80
	positiveEnd    byte = 0    // only in keys: it sorts before any pair
	numberExponent int  = 0xc0 // first byte of a positive number below 1, 0 pairs before the point
	negativeEnd    byte = 102
	negativePair   byte = 101 // a mirrored pair is this minus the pair
)

func appendNumberKey(dst []byte, n Number) []byte {
	d := n.decimal()
	if len(d.digits) == 0 {
		return append(dst, numberZero)
	}
	odd := d.point & 1 // the first pair has a zero in front
	first := byte((d.point+odd)/2 + numberExponent)
	if d.negative {
		first = ^first
	}
	dst = append(dst, first)
	for i := -odd; i < len(d.digits); i += 2 {
		pair := 10*digitAt(d.digits, i) + digitAt(d.digits, i+1)
		if d.negative {
			dst = append(dst, negativePair-pair)
		} else {
			dst = append(dst, pair+1)
		}
	}
	if d.negative {
		dst = append(dst, negativeEnd)
	}
	return dst
}

func digitAt(digits string, i int) byte {
	if i < 0 || i >= len(digits) {
		return 0
	}
	return digits[i] - '0'
}

func decodeNumberKey(src []byte) (Number, []byte, error) {
	if len(src) == 0 {
		return "", nil, errKey
	}
	first := src[0]
	d := decimal{negative: first < numberZero}
	end, exponent := positiveEnd, int(first)
	if d.negative {
		end, exponent = negativeEnd, int(^first)
	}
	d.point = 2 * (exponent - numberExponent)
	var digits []byte
	for i, c := range src[1:] {
		if c == end {
			d.digits = string(digits)
			return d.trimmed(), src[i+2:], nil
		}
		pair := c - 1
		if d.negative {
			pair = negativePair - c
		}
		if pair > 99 {
			break
		}
		digits = append(digits, '0'+pair/10, '0'+pair%10)
	}
	return "", nil, errKey
}

// trimmed is the number of digits that may have zeros at either end.
func (d decimal) trimmed() Number {
	for len(d.digits) > 0 && d.digits[0] == '0' {
		d.digits = d.digits[1:]
		d.point--
	}
	for len(d.digits) > 0 && d.digits[len(d.digits)-1] == '0' {
		d.digits = d.digits[:len(d.digits)-1]
	}
	return d.number()
}

// HashPrefix is what partitions are ordered by in a Scan: the first bytes of
// MD5("Outliers" + key bytes), the order observed on DynamoDB. Entries of an
// index with equal index keys are ordered by the hash over the table's key,
// partition key first.
func HashPrefix(keys ...Value) [3]byte {
	var stack [256]byte
	buf := append(stack[:0], "Outliers"...)
	for _, k := range keys {
		if k.kind == N {
			buf = appendNumberKey(buf, Number(k.text))
		} else {
			buf = append(buf, k.text...)
		}
	}
	sum := md5.Sum(buf)
	return [3]byte(sum[:3])
}
