package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// MarshalJSON writes the tree as JSON, members in order. Numbers are written
// as the user wrote them when that is JSON, else as strings.
func (n *Node) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	n.appendJSON(&b)
	return b.Bytes(), nil
}

// JSON is the tree as compact JSON text.
func (n *Node) JSON() string {
	b, _ := n.MarshalJSON()
	return string(b)
}

func (n *Node) appendJSON(b *bytes.Buffer) {
	if n == nil {
		b.WriteString("null")
		return
	}
	switch n.Kind {
	case Null:
		b.WriteString("null")
	case Bool:
		b.WriteString(strings.ToLower(n.Text))
	case Number:
		if json.Valid([]byte(n.Text)) {
			b.WriteString(n.Text)
		} else {
			appendJSONString(b, n.Text)
		}
	case String:
		appendJSONString(b, n.Text)
	case List:
		b.WriteByte('[')
		for i, it := range n.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			it.appendJSON(b)
		}
		b.WriteByte(']')
	case Map:
		b.WriteByte('{')
		for i, m := range n.Members {
			if i > 0 {
				b.WriteByte(',')
			}
			appendJSONString(b, m.Key)
			b.WriteByte(':')
			m.Value.appendJSON(b)
		}
		b.WriteByte('}')
	}
}

// appendJSONString quotes without HTML escapes: templates hold "&" and "<" as
// ordinary text and users compare what they see.
func appendJSONString(b *bytes.Buffer, s string) { b.Write(jsonwrite.String(b.AvailableBuffer(), s)) }

// FromJSON makes a tree from JSON that a program wrote (a script's output, a
// decoded payload): every value carries the position at. Files a user edits
// go through Parse, which keeps real positions.
func FromJSON(data []byte, at diag.Position) (*Node, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	n, err := fromTokens(dec, at)
	if err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	if dec.More() {
		return nil, fmt.Errorf("reading JSON: text after the first value")
	}
	return n, nil
}

func fromTokens(dec *json.Decoder, at diag.Position) (*Node, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch v := t.(type) {
	case nil:
		return &Node{Kind: Null, Pos: at}, nil
	case bool:
		return Boolean(v, at), nil
	case json.Number:
		return &Node{Kind: Number, Text: v.String(), Pos: at}, nil
	case string:
		return Str(v, at), nil
	case json.Delim:
		if v == '[' {
			n := &Node{Kind: List, Pos: at}
			for dec.More() {
				it, err := fromTokens(dec, at)
				if err != nil {
					return nil, err
				}
				n.Items = append(n.Items, it)
			}
			_, err := dec.Token()
			return n, err
		}
		n := Object(at)
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			val, err := fromTokens(dec, at)
			if err != nil {
				return nil, err
			}
			n.Set(key.(string), val)
		}
		_, err := dec.Token()
		return n, err
	}
	return nil, fmt.Errorf("unexpected token %v", t)
}
