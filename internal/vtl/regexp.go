package vtl

import (
	"fmt"
	"regexp"
	"strings"
)

// pattern is a Java regular expression, run by Go's engine. That takes the
// same syntax but for what needs backtracking (lookaround, back-references,
// possessive quantifiers, atomic groups) and for intersections of classes;
// those are errors.
type pattern struct{ re *regexp.Regexp }

// maxPattern bounds a pattern's length, as compiled ones are larger.
const maxPattern = 1000

func (r *run) pattern(v Value) (*pattern, error) {
	text, ok := v.(string)
	if !ok {
		return nil, errNoMethod
	}
	if p := r.regexps[text]; p != nil {
		return p, nil
	}
	if len(text) > maxPattern || len(r.regexps) > 100 {
		return nil, r.fail("the template has a regular expression over %d characters, or over 100 of them", maxPattern)
	}
	source, err := fromJava(text)
	if err != nil {
		return nil, r.fail("%v", err)
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, r.fail("the regular expression %q cannot be run: %v", text, err)
	}
	if r.regexps == nil {
		r.regexps = map[string]*pattern{}
	}
	p := &pattern{re}
	r.regexps[text] = p
	return p, r.charge(64 * len(text))
}

// posix are Java's names for classes of ASCII characters.
var posix = map[string]string{
	"Lower": "lower", "Upper": "upper", "ASCII": "ascii", "Alpha": "alpha", "Digit": "digit", "Alnum": "alnum",
	"Punct": "punct", "Graph": "graph", "Print": "print", "Blank": "blank", "Cntrl": "cntrl", "XDigit": "xdigit", "Space": "space",
}

// fromJava turns what Java spells otherwise into Go's spelling.
func fromJava(text string) (string, error) {
	var b strings.Builder
	class := 0 // how deep in brackets
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		switch c := text[i]; {
		case c == '\\' && strings.HasPrefix(rest, `\Q`):
			quoted, _, closed := strings.Cut(rest[2:], `\E`)
			b.WriteString(regexp.QuoteMeta(quoted))
			i += 1 + len(quoted)
			if closed {
				i += 2
			}
		case c == '\\' && len(rest) > 1:
			n := escape(&b, rest, class > 0)
			i += n - 1
		case c == '[':
			if class > 0 && !strings.HasPrefix(rest, "[:") {
				return "", fmt.Errorf("the regular expression %q has a class within a class, which Suiro cannot run", text)
			}
			class++
			b.WriteByte(c)
		case c == ']' && class > 0:
			class--
			b.WriteByte(c)
		case class > 0 && strings.HasPrefix(rest, "&&"):
			return "", fmt.Errorf("the regular expression %q intersects classes, which Suiro cannot run", text)
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// escape writes one escape sequence and returns how long it is in Java.
func escape(b *strings.Builder, rest string, inClass bool) int {
	negated := rest[1] == 'P'
	if name, _, ok := strings.Cut(rest[2:], "}"); ok && (rest[1] == 'p' || negated) && strings.HasPrefix(name, "{") {
		if class, known := posix[name[1:]]; known {
			if negated {
				class = "^" + class
			}
			if class = "[:" + class + ":]"; !inClass {
				class = "[" + class + "]"
			}
			b.WriteString(class)
			return len(name) + 3
		}
	}
	switch rest[1] {
	case 'h':
		if inClass {
			b.WriteString(`\t\x20\xA0`)
		} else {
			b.WriteString(`[\t\x20\xA0]`)
		}
	case 'R':
		b.WriteString(`(?:\r\n|[\n\r\v\f\x{85}\x{2028}\x{2029}])`)
	case 'Z':
		b.WriteString(`(?:\r?\n)?\z`)
	case 'e':
		b.WriteString(`\x1b`)
	case 'u':
		if len(rest) >= 6 {
			b.WriteString(`\x{` + rest[2:6] + `}`)
			return 6
		}
		b.WriteString(`\u`) // Go says what is wrong
	default:
		if rest[1] >= 0x80 || rest[1] == '_' || rest[1] <= ' ' || rest[1] == 0x7f { // Java takes these as they are
			b.WriteString(rest[1:2])
		} else {
			b.WriteString(rest[:2])
		}
	}
	return 2
}

func matches(r *run, s string, a []Value) (Value, error) {
	p, err := r.pattern(a[0])
	if err != nil {
		return nil, err
	}
	whole, err := regexp.Compile(`^(?:` + p.re.String() + `)$`)
	if err != nil {
		return nil, r.fail("%v", err)
	}
	return whole.MatchString(s), nil
}

// replacePattern replaces what matches; in the replacement "$1" is a group and
// a backslash takes a character as it is.
func (r *run) replacePattern(s string, a []Value, limit int) (Value, error) {
	by, ok := a[1].(string)
	if !ok {
		return nil, errNoMethod
	}
	p, err := r.pattern(a[0])
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	start := 0
	for _, m := range p.re.FindAllStringSubmatchIndex(s, limit) {
		b.WriteString(s[start:m[0]])
		before := b.Len()
		if err := expand(&b, by, s, m); err != nil {
			return nil, r.fail("the replacement %q %v", by, err)
		}
		if err := r.charge(b.Len() - before + 8); err != nil {
			return nil, err
		}
		start = m[1]
	}
	b.WriteString(s[start:])
	return b.String(), r.charge(b.Len())
}

// expand appends a Java replacement (Matcher.appendReplacement).
func expand(b *strings.Builder, by, s string, m []int) error {
	for i := 0; i < len(by); i++ {
		switch by[i] {
		case '\\':
			if i++; i == len(by) {
				return fmt.Errorf("ends in a backslash")
			}
			b.WriteByte(by[i])
		case '$':
			if i++; i == len(by) || by[i] < '0' || by[i] > '9' {
				return fmt.Errorf(`has a "$" without the number of a group; write \$ for a dollar sign`)
			}
			group := int(by[i] - '0')
			if 2*group >= len(m) {
				return fmt.Errorf("names group %d, which the regular expression does not have", group)
			}
			for i+1 < len(by) && '0' <= by[i+1] && by[i+1] <= '9' && 2*(group*10+int(by[i+1]-'0')) < len(m) {
				i++
				group = group*10 + int(by[i]-'0')
			}
			if m[2*group] >= 0 {
				b.WriteString(s[m[2*group]:m[2*group+1]])
			}
		default:
			b.WriteByte(by[i])
		}
	}
	return nil
}
