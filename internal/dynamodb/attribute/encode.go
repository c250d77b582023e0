package attribute

import (
	"encoding/base64"

	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// AppendJSON appends the item as DynamoDB writes it: an object of typed
// values, in the order of names.
func (it Item) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range it {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = jsonwrite.String(dst, it[i].Name)
		dst = append(dst, ':')
		dst = it[i].Value.AppendJSON(dst)
	}
	return append(dst, '}')
}

// AppendJSON appends the value as DynamoDB writes it, such as {"S":"a"}.
func (v Value) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{', '"')
	dst = append(dst, v.kind.String()...)
	dst = append(dst, '"', ':')
	switch v.kind {
	case S:
		dst = jsonwrite.String(dst, v.text)
	case N:
		dst = append(append(append(dst, '"'), v.text...), '"')
	case B:
		dst = appendBase64(dst, v.text)
	case NULL:
		dst = append(dst, "true"...)
	case BOOL:
		if v.truth {
			dst = append(dst, "true"...)
		} else {
			dst = append(dst, "false"...)
		}
	case SS, NS, BS:
		dst = v.appendMembers(dst)
	case L:
		dst = append(dst, '[')
		for i, e := range v.more.list {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = e.AppendJSON(dst)
		}
		dst = append(dst, ']')
	case M:
		dst = v.more.members.AppendJSON(dst)
	default: // the zero Value: an empty structure, never a broken document
		return append(dst[:len(dst)-3], '}')
	}
	return append(dst, '}')
}

func (v Value) appendMembers(dst []byte) []byte {
	dst = append(dst, '[')
	for i, m := range v.more.set {
		if i > 0 {
			dst = append(dst, ',')
		}
		if v.kind == BS {
			dst = appendBase64(dst, m)
		} else {
			dst = jsonwrite.String(dst, m)
		}
	}
	return append(dst, ']')
}

func appendBase64(dst []byte, raw string) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, []byte(raw))
	return append(dst, '"')
}
