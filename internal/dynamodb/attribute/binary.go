package attribute

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unsafe"
)

// The compact form of a stored item: a version byte, then the attributes as a
// count and, for each, its name and value. Lengths and counts are varints; a
// value is a tag byte and its content; lists, maps and sets carry the length
// of their content in four bytes so that a reader can step over them.
//
// Numbers keep their canonical text, so that a decoded item points into one
// copy of its bytes; only texts with long runs of zeros are stored as digits
// and exponent.
const binaryVersion byte = 1

const (
	tagTrue   byte = 0x40 // BOOL true; BOOL alone is false
	tagScaled byte = 0x41 // an N as digits and exponent
	// longNumber is the length above which the canonical text of a number is
	// mostly zeros.
	longNumber = maxDigits + 3
	// maxDecodeDepth stops damaged bytes from exhausting the stack.
	maxDecodeDepth = 256
)

var errBinary = errors.New("malformed item bytes")

// AppendBinary appends the item's stored form.
func AppendBinary(dst []byte, it Item) []byte {
	return appendMembers(append(dst, binaryVersion), it)
}

func appendMembers(dst []byte, it Item) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(it)))
	for i := range it {
		dst = appendString(dst, it[i].Name)
		dst = appendValue(dst, it[i].Value)
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendValue(dst []byte, v Value) []byte {
	switch v.kind {
	case S, B:
		return appendString(append(dst, byte(v.kind)), v.text)
	case N:
		if len(v.text) > longNumber {
			return appendString(append(dst, tagScaled), scaled(Number(v.text)))
		}
		return appendString(append(dst, byte(N)), v.text)
	case BOOL:
		if v.truth {
			return append(dst, tagTrue)
		}
		return append(dst, byte(BOOL))
	case SS, NS, BS, L, M:
		dst = append(dst, byte(v.kind), 0, 0, 0, 0)
		start := len(dst)
		dst = v.appendContent(dst)
		binary.BigEndian.PutUint32(dst[start-4:], uint32(len(dst)-start))
		return dst
	}
	return append(dst, byte(v.kind))
}

func (v Value) appendContent(dst []byte) []byte {
	switch v.kind {
	case L:
		dst = binary.AppendUvarint(dst, uint64(len(v.more.list)))
		for _, e := range v.more.list {
			dst = appendValue(dst, e)
		}
		return dst
	case M:
		return appendMembers(dst, v.more.members)
	}
	dst = binary.AppendUvarint(dst, uint64(len(v.more.set)))
	for _, m := range v.more.set {
		dst = appendString(dst, m)
	}
	return dst
}

// scaled writes a number as digits and exponent, such as "-12e100".
func scaled(n Number) string {
	d := n.decimal()
	var b strings.Builder
	if d.negative {
		b.WriteByte('-')
	}
	b.WriteString(d.digits)
	fmt.Fprintf(&b, "e%d", d.point-len(d.digits))
	return b.String()
}

// DecodeBinary reads a stored item. It copies data once; the item's texts are
// parts of that copy.
func DecodeBinary(data []byte) (Item, error) {
	d := binaryDecoder{text: string(data)}
	if d.byte() != binaryVersion {
		return nil, fmt.Errorf("%w: unknown version", errBinary)
	}
	item := d.members(0)
	if d.bad || d.pos != len(d.text) {
		return nil, errBinary
	}
	return item, nil
}

// Scratch decodes one item after the other into the same memory, for pages of
// items that are looked at and forgotten.
type Scratch struct{ members Item }

// Decode reads a stored item. It is good until the next Decode, and as long as
// data is and does not change; [Item.Clone] is what may be kept.
func (s *Scratch) Decode(data []byte) (Item, error) {
	d := binaryDecoder{text: unsafe.String(unsafe.SliceData(data), len(data))}
	if d.byte() != binaryVersion {
		return nil, fmt.Errorf("%w: unknown version", errBinary)
	}
	n := d.count()
	if s.members == nil || cap(s.members) < n {
		s.members = make(Item, 0, max(8, n))
	}
	item := d.appendMembers(s.members[:0], n, 0)
	if d.bad || d.pos != len(d.text) {
		return nil, errBinary
	}
	return item, nil
}

// DecodeBinaryAttributes reads only the named top-level attributes, stepping
// over the others, for index keys, filters and projections of large items.
func DecodeBinaryAttributes(data []byte, names ...string) (Item, error) {
	d := binaryDecoder{text: string(data)}
	if d.byte() != binaryVersion {
		return nil, fmt.Errorf("%w: unknown version", errBinary)
	}
	item := make(Item, 0, len(names))
	for n := d.count(); n > 0 && !d.bad; n-- {
		name := d.string()
		wanted := false
		for _, w := range names {
			wanted = wanted || w == name
		}
		if !wanted {
			d.skip()
			continue
		}
		item = append(item, Attribute{name, d.value(0)})
	}
	if d.bad {
		return nil, errBinary
	}
	return item, nil
}

type binaryDecoder struct {
	text string
	pos  int
	bad  bool
}

func (d *binaryDecoder) byte() byte {
	if d.pos >= len(d.text) {
		d.bad = true
		return 0
	}
	d.pos++
	return d.text[d.pos-1]
}

func (d *binaryDecoder) uvarint() uint64 {
	var x uint64
	for shift := 0; shift < 64; shift += 7 {
		b := d.byte()
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return x
		}
	}
	d.bad = true
	return 0
}

// count reads how many things follow; each takes at least a byte, so a count
// beyond the rest is damage, not a reason to allocate.
func (d *binaryDecoder) count() int {
	n := d.uvarint()
	if d.bad || n > uint64(len(d.text)-d.pos) {
		d.bad = true
		return 0
	}
	return int(n)
}

func (d *binaryDecoder) string() string {
	n := d.count()
	d.pos += n
	return d.text[d.pos-n : d.pos]
}

func (d *binaryDecoder) members(depth int) Item {
	n := d.count()
	return d.appendMembers(make(Item, 0, n), n, depth)
}

func (d *binaryDecoder) appendMembers(item Item, n, depth int) Item {
	for ; n > 0 && !d.bad; n-- {
		name := d.string()
		if len(item) > 0 && item[len(item)-1].Name >= name {
			d.bad = true // not in order: not written by AppendBinary
		}
		item = append(item, Attribute{name, d.value(depth)})
	}
	return item
}

func (d *binaryDecoder) value(depth int) Value {
	tag := d.byte()
	switch tag {
	case byte(S), byte(B), byte(N):
		return d.scalar(Kind(tag))
	case tagScaled:
		n, err := ParseNumber(d.string(), New)
		d.bad = d.bad || err != nil
		return Num(n)
	case tagTrue:
		return Bool(true)
	case byte(BOOL):
		return Bool(false)
	case byte(NULL):
		return Null()
	case byte(SS), byte(NS), byte(BS), byte(L), byte(M):
		return d.compound(Kind(tag), depth)
	}
	d.bad = true
	return Value{}
}

func (d *binaryDecoder) scalar(kind Kind) Value {
	text := d.string()
	if kind == N && !isCanonical(text) {
		n, err := ParseNumber(text, New)
		d.bad = d.bad || err != nil || string(n) != text
	}
	return Value{kind: kind, text: text}
}

// length reads the four bytes in front of a compound's content.
func (d *binaryDecoder) length() int {
	if len(d.text)-d.pos < 4 {
		d.bad = true
		return 0
	}
	b := d.text[d.pos : d.pos+4]
	d.pos += 4
	n := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	if n > len(d.text)-d.pos {
		d.bad = true
		return 0
	}
	return n
}

func (d *binaryDecoder) compound(kind Kind, depth int) Value {
	end := d.length()
	end += d.pos
	if d.bad || depth >= maxDecodeDepth {
		d.bad = true
		return Value{}
	}
	c := &compound{}
	switch kind {
	case M:
		c.members = d.members(depth + 1)
	case L:
		n := d.count()
		c.list = make([]Value, 0, n)
		for ; n > 0 && !d.bad; n-- {
			c.list = append(c.list, d.value(depth+1))
		}
	default:
		c.set = d.set(kind)
	}
	if d.pos != end {
		d.bad = true
	}
	return Value{kind: kind, more: c}
}

func (d *binaryDecoder) set(kind Kind) []string {
	n := d.count()
	members := make([]string, 0, n)
	order := kind.memberOrder()
	for ; n > 0 && !d.bad; n-- {
		m := d.scalar(kind.Element()).text
		if !d.bad && len(members) > 0 && order(members[len(members)-1], m) >= 0 {
			d.bad = true
		}
		members = append(members, m)
	}
	if len(members) == 0 {
		d.bad = true
	}
	return members
}

// skip steps over one value.
func (d *binaryDecoder) skip() {
	switch tag := d.byte(); tag {
	case byte(S), byte(B), byte(N), tagScaled:
		d.string()
	case byte(SS), byte(NS), byte(BS), byte(L), byte(M):
		d.pos += d.length()
	case tagTrue, byte(BOOL), byte(NULL):
	default:
		d.bad = true
	}
}
