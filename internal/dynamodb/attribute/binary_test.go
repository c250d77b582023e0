package attribute

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// anyValue draws a value of any type.
func anyValue(t *rapid.T, levels int) Value {
	most := 9
	if levels == 0 {
		most = 7
	}
	switch rapid.IntRange(0, most).Draw(t, "kind") {
	case 0:
		return Bool(rapid.Bool().Draw(t, "bool"))
	case 1:
		return Null()
	case 2:
		return Set(SS, rapid.SliceOfN(rapid.String(), 1, 4).Draw(t, "ss"))
	case 3:
		members := []string{string(NumberFromInt(rapid.Int64().Draw(t, "ns"))), "1" + strings.Repeat("0", 60), "-0.5"}
		return Set(NS, members)
	case 4:
		return Set(BS, []string{rapid.String().Draw(t, "bs"), "\x00\xff"})
	case 8:
		return List(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Value { return anyValue(t, levels-1) }), 0, 3).Draw(t, "l")...)
	case 9:
		return Map(anyItem(t, levels-1))
	}
	return scalar(t, "scalar")
}

func anyItem(t *rapid.T, levels int) Item {
	return NewItem(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Attribute {
		return Attribute{rapid.StringMatching(`[a-d]{1,2}`).Draw(t, "name"), anyValue(t, levels)}
	}), 0, 5).Draw(t, "item")...)
}

func TestItemsComeBackFromTheirStoredForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		it := anyItem(t, 3)
		data := AppendBinary([]byte("before"), it)[len("before"):]
		got, err := DecodeBinary(data)
		if err != nil || !EqualItems(got, it) {
			t.Fatalf("%s came back as %s, %v", it.AppendJSON(nil), got.AppendJSON(nil), err)
		}
		some, err := DecodeBinaryAttributes(data, "a", "b", "cc")
		if err != nil || !EqualItems(some, it.Only("a", "b", "cc")) {
			t.Fatalf("of %s came %s, %v", it.AppendJSON(nil), some.AppendJSON(nil), err)
		}
		again, err := DecodeItem(it.AppendJSON(nil), New)
		if err != nil || !EqualItems(again, it) {
			t.Fatalf("%s was read as %s, %v", it.AppendJSON(nil), again.AppendJSON(nil), err)
		}
	})
}

// A clone stays when the memory that its original was read into is used again.
func TestClonesOutliveScratch(t *testing.T) {
	want := NewItem(Attribute{"a", List(String("x"), Set(SS, []string{"a", "b"}))}, Attribute{"b", Int(1)})
	data := AppendBinary(nil, want)
	var scratch Scratch
	it, err := scratch.Decode(data)
	if err != nil || !EqualItems(it, want) {
		t.Fatal(it, err)
	}
	kept := it.Clone()
	clear(data)
	if _, err := scratch.Decode(AppendBinary(nil, NewItem(Attribute{"c", Null()}))); err != nil {
		t.Fatal(err)
	}
	if !EqualItems(kept, want) {
		t.Errorf("it became %s", kept.AppendJSON(nil))
	}
	if Item(nil).Clone() != nil {
		t.Error("a missing item became one")
	}
}

func TestLongNumbersAreStoredShort(t *testing.T) {
	n, _ := ParseNumber("-1e125", New)
	it := NewItem(Attribute{"n", Num(n)})
	data := AppendBinary(nil, it)
	if len(data) > 15 {
		t.Errorf("%d bytes for -1e125", len(data))
	}
	if got, err := DecodeBinary(data); err != nil || got.Get("n").Number() != n {
		t.Errorf("%v, %v", got, err)
	}
}

func TestDamagedItemsAreRefused(t *testing.T) {
	whole := AppendBinary(nil, NewItem(Attribute{"a", List(String("x"), Set(SS, []string{"a", "b"}))}, Attribute{"b", Int(1)}))
	for cut := range whole {
		if _, err := DecodeBinary(whole[:cut]); err == nil {
			t.Errorf("took the first %d of %d bytes", cut, len(whole))
		}
	}
	if _, err := DecodeBinary(append(whole, 0)); err == nil {
		t.Error("took a byte too many")
	}
	if _, err := DecodeBinary([]byte{9, 0}); err == nil {
		t.Error("took an unknown version")
	}
}

func FuzzDecodeBinary(f *testing.F) {
	f.Add(AppendBinary(nil, NewItem(Attribute{"a", Int(1)}, Attribute{"b", Map(NewItem(Attribute{"c", Bool(true)}))})))
	f.Add(AppendBinary(nil, NewItem(Attribute{"a", List(Null(), Set(NS, []string{"1", "10"}))})))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = DecodeBinaryAttributes(data, "a")
		it, err := DecodeBinary(data)
		var scratch Scratch
		_, _ = scratch.Decode(AppendBinary(nil, NewItem(Attribute{"z", Int(1)}, Attribute{"y", Null()}))) // in whose memory it is
		passing, failed := scratch.Decode(data)
		if (err == nil) != (failed == nil) || err == nil && (!EqualItems(passing, it) || !EqualItems(passing.Clone(), it)) {
			t.Fatalf("%x: %s, %v, and in memory that is used again %s, %v", data, it.AppendJSON(nil), err, passing.AppendJSON(nil), failed)
		}
		if err != nil {
			return
		}
		again, err := DecodeBinary(AppendBinary(nil, it))
		if err != nil || !EqualItems(again, it) {
			t.Fatalf("%x: %s came back as %s, %v", data, it.AppendJSON(nil), again.AppendJSON(nil), err)
		}
	})
}
