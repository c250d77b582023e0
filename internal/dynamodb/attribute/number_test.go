package attribute

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumberTextIsCanonical(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"5", "5"}, {"+5", "5"}, {"-5", "-5"}, {".5", "0.5"}, {"5.", "5"}, {"1.e5", "100000"},
		{"00042", "42"}, {"0042.1200", "42.12"}, {"1E2", "100"}, {"1e+2", "100"}, {"12e-1", "1.2"},
		{"-0", "0"}, {"0e125", "0"}, {"0.0e126", "0"}, {"0.000", "0"}, {"-.50", "-0.5"}, {"1.0", "1"}, {"100", "100"},
		{"1E125", "1" + strings.Repeat("0", 125)},
		{"1e-130", "0." + strings.Repeat("0", 129) + "1"},
		{"12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
		{"0.00000000000000000000000000000000000000000000000000001", "0.00000000000000000000000000000000000000000000000000001"},
		{strings.Repeat("0", 200) + "7" + strings.Repeat("0", 100) + "." + strings.Repeat("0", 300), "7" + strings.Repeat("0", 100)},
		{"9.9999999999999999999999999999999999999E+125", strings.Repeat("9", 38) + strings.Repeat("0", 88)},
	} {
		got, err := ParseNumber(c.in, New)
		if err != nil || string(got) != c.want {
			t.Errorf("ParseNumber(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestNumberRefusals(t *testing.T) {
	const bad = "The parameter cannot be converted to a numeric value"
	for _, c := range []struct{ in, newText, oldText string }{
		{"", bad + ": ", bad},
		{"abc", bad + ": abc", bad + ": abc"},
		{" 1", bad + ":  1", bad + ":  1"},
		{"1 ", bad + ": 1 ", bad + ": 1 "},
		{"NaN", bad + ": NaN", bad + ": NaN"},
		{"Infinity", bad + ": Infinity", bad + ": Infinity"},
		{"0x10", bad + ": 0x10", bad + ": 0x10"},
		{"1e", bad + ": 1e", bad + ": 1e"},
		{"+e2", bad + ": +e2", bad + ": +e2"},
		{"1.2.3", bad + ": 1.2.3", bad + ": 1.2.3"},
		{"--1", bad + ": --1", bad + ": --1"},
		{".", bad + ": .", bad + ": ."},
		{"1_0", bad + ": 1_0", bad + ": 1_0"},
		{"1e126", numberOverflow, numberOverflow},
		{"-1e126", numberOverflow, numberOverflow},
		{"1e-131", numberUnderflow, numberUnderflow},
		{"0e126", numberOverflow, numberOverflow}, {"0.00e-129", numberUnderflow, numberUnderflow},
		{"0e-131", numberUnderflow, numberUnderflow},
		{"1e2147483647", numberOverflow, numberUnderflow},
		{"1e99999999999", numberOverflow, bad + ": 1e99999999999"},
		{"1e-99999999999", numberUnderflow, bad + ": 1e-99999999999"},
		{"1e9223372036854775808", bad + ": 1e9223372036854775808", bad + ": 1e9223372036854775808"},
		{"10e9223372036854775807", numberOverflow, bad + ": 10e9223372036854775807"},
		{"123456789012345678901234567890123456789", numberPrecision, numberPrecision},
		{"1" + strings.Repeat("0", 37) + ".1", numberPrecision, numberPrecision},
	} {
		for layer, want := range map[Layer]string{New: c.newText, Old: c.oldText} {
			_, err := ParseNumber(c.in, layer)
			if refusal(err) != want {
				t.Errorf("ParseNumber(%q, %d): %v, want %q", c.in, layer, err, want)
			}
		}
	}
}

// refusal is the message of a ValidationException.
func refusal(err error) string {
	if e, ok := err.(*Error); ok && e != nil && e.Code == ValidationException {
		return e.Message
	}
	return ""
}

func TestNumberSizeCountsPairsOnBothSidesOfThePoint(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int
	}{
		{"0", 1}, {"1", 2}, {"-1", 3}, {"12", 2}, {"123", 3}, {"123456", 4}, {"3.14159", 5},
		{"1E125", 2}, {"100", 2}, {"0.05", 2}, {"1.5", 3}, {"-1.5", 4}, {"1000.5", 4},
	} {
		n, err := ParseNumber(c.in, New)
		if err != nil || n.size() != c.want {
			t.Errorf("size of %s = %d, want %d (%v)", c.in, n.size(), c.want, err)
		}
	}
}

func TestArithmeticIsExactOrAnOverflow(t *testing.T) {
	for _, c := range []struct{ a, op, b, want string }{
		{"1", "+", "2", "3"}, {"0.1", "+", "0.2", "0.3"}, {"5", "-", "7", "-2"}, {"1", "-", "1", "0"},
		{"-1.5", "+", "1.5", "0"}, {"0", "+", "-3.25", "-3.25"}, {"0", "-", "3.25", "-3.25"},
		{"999999999999999999", "+", "1", "1000000000000000000"},
		{"9223372036854775807", "+", "1", "9223372036854775808"},
		{"99999999999999999999999999999999999999", "+", "1", "1" + strings.Repeat("0", 38)},
		{"1e125", "+", "1e125", "2" + strings.Repeat("0", 125)},
		{"1e-130", "-", "3e-130", "-0." + strings.Repeat("0", 129) + "2"},
		{"1e50", "+", "1", numberOverflow},
		{"9e125", "+", "9e125", numberOverflow},
		{"99999999999999999999999999999999999999", "+", "0.1", numberOverflow},
		{"1.1e-130", "-", "1e-130", numberUnderflow},
	} {
		a, _ := ParseNumber(c.a, New)
		b, _ := ParseNumber(c.b, New)
		got, err := a.Add(b)
		if c.op == "-" {
			got, err = a.Sub(b)
		}
		if string(got)+refusal(err) != c.want {
			t.Errorf("%s %s %s = %q, %v; want %q", c.a, c.op, c.b, got, err, c.want)
		}
	}
}

// written draws a number as a program may write it, with few or many digits.
func written(t *rapid.T) string {
	return rapid.StringMatching(`-?([0-9]{1,20}(\.[0-9]{0,19})?|\.[0-9]{1,19})([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
}

func TestNumbersAgreeWithBigRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		textA, textB := written(t), written(t)
		a, errA := ParseNumber(textA, New)
		b, errB := ParseNumber(textB, New)
		if errA != nil || errB != nil {
			t.Skip("refused: precision or range")
		}
		x, y := rational(textA), rational(textB)
		if rational(string(a)).Cmp(x) != 0 {
			t.Fatalf("%s became %s", textA, a)
		}
		if again, err := ParseNumber(string(a), New); err != nil || again != a {
			t.Fatalf("canonical %s became %s, %v", a, again, err)
		}
		if a.Compare(b) != x.Cmp(y) {
			t.Fatalf("%s against %s: %d", a, b, a.Compare(b))
		}
		if sum, err := a.Add(b); err == nil && rational(string(sum)).Cmp(new(big.Rat).Add(x, y)) != 0 {
			t.Fatalf("%s + %s = %s", a, b, sum)
		}
		if difference, err := a.Sub(b); err == nil && rational(string(difference)).Cmp(new(big.Rat).Sub(x, y)) != 0 {
			t.Fatalf("%s - %s = %s", a, b, difference)
		}
	})
}

func rational(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic(text)
	}
	return r
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5e10", "1e-130", "00.10", "1e9223372036854775807", "NaN", "+.", "9e125"} {
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, old bool) {
		layer := New
		if old {
			layer = Old
		}
		n, err := ParseNumber(text, layer)
		if err != nil {
			return
		}
		if again, err := ParseNumber(string(n), New); err != nil || again != n {
			t.Fatalf("%q became %q, then %q, %v", text, n, again, err)
		}
		if len(text) < 400 && rational(text).Cmp(rational(string(n))) != 0 {
			t.Fatalf("%q became %q", text, n)
		}
		key, rest, err := DecodeKey(AppendKey(nil, Num(n)))
		if err != nil || len(rest) != 0 || key.Number() != n {
			t.Fatalf("key of %q came back as %q, %v", n, key.Number(), err)
		}
	})
}
