package attribute

import (
	"encoding/base64"
	"unicode/utf8"
)

// AppendJSON appends the item as DynamoDB writes it: an object of typed
// values, in the order of names.
func (it Item) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i := range it {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendText(dst, it[i].Name)
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
		dst = AppendText(dst, v.text)
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
			dst = AppendText(dst, m)
		}
	}
	return append(dst, ']')
}

func appendBase64(dst []byte, raw string) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, []byte(raw))
	return append(dst, '"')
}

// AppendText appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func AppendText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
