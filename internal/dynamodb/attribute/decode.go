package attribute

// DecodeItem reads an item from JSON. The error is a SerializationException
// when the JSON or a member's type is wrong, else the ValidationException of
// the first value that DynamoDB refuses.
func DecodeItem(data []byte, layer Layer) (Item, error) {
	r := NewReader(data)
	item, invalid := r.Item(layer)
	if err := r.End(); err != nil {
		return nil, err
	}
	if invalid != nil {
		return nil, invalid
	}
	return item, nil
}

// DecodeValue reads one attribute value from JSON.
func DecodeValue(data []byte, layer Layer) (Value, error) {
	r := NewReader(data)
	v, invalid := r.Value(layer)
	if err := r.End(); err != nil {
		return Value{}, err
	}
	if invalid != nil {
		return Value{}, invalid
	}
	return v, nil
}

// Item reads an item, or any other map from names to attribute values (a key,
// ExpressionAttributeValues). Requests validate other things first, so a
// refused value does not stop the reader: it is handed back beside the item,
// which is then only good for being measured.
func (r *Reader) Item(layer Layer) (Item, *Error) {
	d := decoder{r: r, layer: layer}
	item := d.members(maxNesting)
	return item, d.verdict()
}

// Value reads one attribute value; see [Reader.Item] for the second result.
func (r *Reader) Value(layer Layer) (Value, *Error) {
	d := decoder{r: r, layer: layer}
	v := d.value(maxNesting)
	return v, d.verdict()
}

// decoder reads values and remembers the first refusal of each rank: an empty
// top-level name is reported before anything else in an item, an empty name
// deeper down after everything else.
type decoder struct {
	r         *Reader
	layer     Layer
	top       string // the top-level name being read
	emptyName *Error
	first     *Error
	emptyDeep *Error
}

func (d *decoder) verdict() *Error {
	switch {
	case d.emptyName != nil:
		return d.emptyName
	case d.first != nil:
		return d.first
	}
	return d.emptyDeep
}

func (d *decoder) refuse(e *Error) {
	if d.first == nil && e != nil {
		named := *e
		named.Attribute = d.top
		d.first = &named
	}
}

func (d *decoder) refuseEmptyName(levels int) {
	if levels == maxNesting {
		d.emptyName = Invalid("Empty attribute name")
	} else if d.emptyDeep == nil {
		d.emptyDeep = &Error{Code: ValidationException, Message: "Empty attribute name", Attribute: d.top}
	}
}

// maxNameLength is the longest attribute name in bytes.
const maxNameLength = 65535

// CheckName refuses what cannot be the name of an attribute; nil passes.
func CheckName(name string) *Error {
	switch {
	case name == "":
		return Invalid("Empty attribute name")
	case len(name) > maxNameLength:
		return Invalid("Attribute name is too large, must be less than 65536 bytes")
	}
	return nil
}

// members reads a map of values. levels counts down from 32, each value under
// a top-level name being the first.
func (d *decoder) members(levels int) Item {
	item := make(Item, 0, 4)
	sorted := true
	for name := range d.r.Map("AttributeValue") {
		if levels == maxNesting {
			d.top = name
		}
		if name == "" {
			d.refuseEmptyName(levels)
		}
		if len(name) > maxNameLength {
			d.refuse(CheckName(name))
		}
		v := d.value(levels)
		if n := len(item); n > 0 && item[n-1].Name >= name {
			sorted = false
		}
		item = append(item, Attribute{name, v})
	}
	if !sorted {
		return NewItem(item...)
	}
	return item
}

// value reads one typed value: an object with exactly one type as its name.
func (d *decoder) value(levels int) Value {
	if levels == 0 {
		d.refuse(errNesting)
		d.r.Skip()
		return Value{}
	}
	var v Value
	types := 0
	if d.r.peek() == 'n' {
		d.r.Null()
	} else {
		for name := range d.r.Entry("AttributeValue") {
			kind, known := ParseKind(name)
			if !known {
				continue
			}
			types++
			v = d.typed(kind, levels)
		}
	}
	switch {
	case d.r.err != nil:
		return Value{}
	case types == 0:
		d.refuse(Invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"))
	case types > 1:
		d.refuse(Invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"))
	}
	return v
}

func (d *decoder) typed(kind Kind, levels int) Value {
	switch kind {
	case S:
		return String(d.r.Text())
	case N:
		return Value{kind: N, text: d.number(d.r.Text())}
	case B:
		return Value{kind: B, text: d.r.Blob()}
	case BOOL:
		return Bool(d.r.Truth())
	case NULL:
		if !d.r.Truth() {
			d.refuse(InvalidParameter("Null attribute value types must have the value of true"))
		}
		return Null()
	case SS, NS, BS:
		return d.set(kind)
	case L:
		elements := []Value{}
		for range d.r.List() {
			elements = append(elements, d.value(levels-1))
		}
		return List(elements...)
	default: // M
		return Map(d.members(levels - 1))
	}
}

func (d *decoder) number(text string) string {
	if d.r.err != nil {
		return "0"
	}
	n, err := ParseNumber(text, d.layer)
	if err != nil {
		refusal, _ := err.(*Error)
		d.refuse(refusal)
		return "0"
	}
	return string(n)
}

func (d *decoder) set(kind Kind) Value {
	var members []string
	refused := d.first
	for range d.r.List() {
		switch kind {
		case BS:
			members = append(members, d.r.Blob())
		case NS:
			members = append(members, d.number(d.r.Text()))
		default:
			members = append(members, d.r.Text())
		}
	}
	if d.r.err != nil || d.first != refused {
		return Value{}
	}
	v, e := newSet(kind, members, d.layer)
	d.refuse(e)
	return v
}
