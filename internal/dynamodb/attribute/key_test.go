package attribute

import (
	"bytes"
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"
)

// scalar draws a key value, often from few characters so that prefixes and
// equal values occur.
func scalar(t *rapid.T, label string) Value {
	switch rapid.IntRange(0, 3).Draw(t, label) {
	case 0:
		return String(rapid.StringOf(rapid.RuneFrom([]rune{0, 1, 'a', 'b', 0xff, 0x10ffff})).Draw(t, label))
	case 1:
		return Binary(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 0xfe, 0xff}), 0, 5).Draw(t, label))
	case 2:
		return Int(rapid.Int64Range(-300, 300).Draw(t, label))
	}
	n, err := ParseNumber(written(t), New)
	if err != nil {
		t.Skip("refused")
	}
	return Num(n)
}

func TestKeyOrderIsValueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := scalar(t, "a"), scalar(t, "b")
		keyA, keyB := AppendKey(nil, a), AppendKey(nil, b)
		if order, ok := Compare(a, b); ok && bytes.Compare(keyA, keyB) != order {
			t.Fatalf("%s against %s: %d, keys %x %x", a.AppendJSON(nil), b.AppendJSON(nil), order, keyA, keyB)
		}
		// Keys are self-delimiting: order holds with anything behind them.
		if order, ok := Compare(a, b); ok && order != 0 &&
			bytes.Compare(append(keyA, 0xff), append(keyB, 0)) != order {
			t.Fatalf("%s against %s with bytes behind", a.AppendJSON(nil), b.AppendJSON(nil))
		}
	})
}

func TestKeysComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := scalar(t, "a"), scalar(t, "b")
		bytes := AppendKey(AppendKey(nil, a), b)
		first, rest, err := DecodeKey(bytes)
		if err != nil || !Equal(first, a) {
			t.Fatalf("%s came back as %s, %v", a.AppendJSON(nil), first.AppendJSON(nil), err)
		}
		second, rest, err := DecodeKey(rest)
		if err != nil || !Equal(second, b) || len(rest) != 0 {
			t.Fatalf("%s came back as %s, %x, %v", b.AppendJSON(nil), second.AppendJSON(nil), rest, err)
		}
	})
}

func TestKeyPrefixIsWhatKeysBeginWith(t *testing.T) {
	prefix := AppendKeyPrefix(nil, String("a\x00b"))
	for text, want := range map[string]bool{"a\x00b": true, "a\x00bc": true, "a\x00": false, "a": false, "b": false} {
		if got := bytes.HasPrefix(AppendKey(nil, String(text)), prefix); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// The bytes under the hash are those of the public examples of the number
// format: 1 is c1 02, -1 is 3e 64 66, 0 is 80, 123 is c2 02 18.
func TestNumberKeyForm(t *testing.T) {
	for n, want := range map[Number]string{"1": "c102", "-1": "3e6466", "0": "80", "123": "c20218", "0.01": "c002", "-0.5": "3f3366", "100": "c202"} {
		if got := hex.EncodeToString(appendNumberKey(nil, n)); got != want {
			t.Errorf("%s: %s, want %s", n, got, want)
		}
	}
}

// The order of a Scan follows MD5("Outliers" + key bytes).
func TestHashPrefix(t *testing.T) {
	for want, values := range map[string][]Value{
		"f6558e": {String("a")},
		"c3a031": {Int(1)},
		"8d018b": {String("a"), String("b")}, // the tie-break among equal index keys
	} {
		if got := HashPrefix(values...); hex.EncodeToString(got[:]) != want {
			t.Errorf("%v: %x, want %s", values, got, want)
		}
	}
}

func FuzzDecodeKey(f *testing.F) {
	f.Add(AppendKey(nil, String("a\x00b")))
	f.Add(AppendKey(AppendKey(nil, Int(-15)), Binary([]byte{0xff, 0})))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, rest, err := DecodeKey(data)
		if err != nil || v.Kind() == N {
			return // numbers have redundant forms that are never written
		}
		if again := AppendKey(nil, v); !bytes.Equal(again, data[:len(data)-len(rest)]) {
			t.Fatalf("%x came back as %x", data, again)
		}
	})
}
