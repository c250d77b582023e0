package vtl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"

	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// FromJSON makes a value of a JSON text: whole numbers stay exact, others
// become doubles, objects keep the order of their members.
func FromJSON(data []byte) (Value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := readJSON(dec)
	if err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading JSON: text after the first value")
	}
	return v, nil
}

func readJSON(dec *json.Decoder) (Value, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		return readNumber(t.String()), nil
	case json.Delim:
		if t == '[' {
			l := &List{}
			for dec.More() {
				item, err := readJSON(dec)
				if err != nil {
					return nil, err
				}
				l.Items = append(l.Items, item)
			}
			_, err := dec.Token()
			return l, err
		}
		m := NewMap()
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := readJSON(dec)
			if err != nil {
				return nil, err
			}
			m.Put(key.(string), v)
		}
		_, err := dec.Token()
		return m, err
	}
	return t, nil // string, bool, nil
}

func readNumber(s string) Value {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	if n, ok := new(big.Int).SetString(s, 10); ok && n.BitLen() <= maxBits {
		return n
	}
	f, _ := strconv.ParseFloat(s, 64) // infinite when out of range
	return f
}

// AppendJSON appends a value as compact JSON; the host's objects are null.
func AppendJSON(b []byte, v Value) ([]byte, error) { return appendJSON(b, v, 0) }

func appendJSON(b []byte, v Value, depth int) (_ []byte, err error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("collections are nested over %d levels", maxNesting)
	}
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(b, v), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case *big.Int:
		return v.Append(b, 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(b, "null"...), nil
		}
		return append(b, floatText(v)...), nil
	case string:
		return jsonwrite.String(b, v), nil
	case *List:
		b = append(b, '[')
		for i, item := range v.Items {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, item, depth+1); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case *Map:
		b = append(b, '{')
		for i, key := range v.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(jsonwrite.String(b, key), ':')
			if b, err = appendJSON(b, v.values[key], depth+1); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
	return append(b, "null"...), nil
}
