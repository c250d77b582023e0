package template

import (
	"fmt"
	"strings"

	"github.com/suiro-dev/suiro/internal/document"
)

// subPart is a piece of the text of Fn::Sub: literal text or a variable.
type subPart struct {
	text     string
	variable bool
}

// parseSub cuts the text of Fn::Sub at its variables: ${Name},
// ${Resource.Attribute}, ${AWS::Region}. ${!Name} is the literal ${Name}. A
// "${" that is never closed is ordinary text.
func parseSub(text string) ([]subPart, error) {
	var parts []subPart
	literal := func(s string) {
		if s == "" {
			return
		}
		if k := len(parts); k > 0 && !parts[k-1].variable {
			parts[k-1].text += s
			return
		}
		parts = append(parts, subPart{text: s})
	}
	for {
		open := strings.Index(text, "${")
		end := -1
		if open >= 0 {
			end = strings.IndexByte(text[open:], '}')
		}
		if end < 0 {
			literal(text)
			return parts, nil
		}
		literal(text[:open])
		name := text[open+2 : open+end]
		text = text[open+end+1:]
		if bare, ok := strings.CutPrefix(name, "!"); ok {
			literal("${" + bare + "}")
			continue
		}
		if !subName(name) {
			return nil, fmt.Errorf("${%s} is not a variable: names hold only letters, digits, _ . and colons", name)
		}
		parts = append(parts, subPart{name, true})
	}
}

func subName(s string) bool {
	for _, c := range s {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '.' || c == ':') {
			return false
		}
	}
	return s != ""
}

// subArguments reads both forms of Fn::Sub: a text, and a list of a text and
// an object of variables. The text is nil when the call is neither.
func subArguments(arg *document.Node) (text, variables *document.Node) {
	if arg.IsScalar() {
		return arg, nil
	}
	if arg == nil || arg.Kind != document.List || len(arg.Items) == 0 || len(arg.Items) > 2 || !arg.Items[0].IsScalar() {
		return nil, nil
	}
	if len(arg.Items) == 2 {
		if v := arg.Items[1]; v != nil && v.Kind == document.Map {
			return arg.Items[0], v
		}
		return nil, nil
	}
	return arg.Items[0], nil
}

func (r *resolver) sub(n, arg *document.Node) *document.Node {
	text, variables := subArguments(arg)
	if text == nil {
		r.errorf(n.Pos, "Fn::Sub takes a text, or a list of a text and an object of variables")
		return nil
	}
	parts, err := parseSub(text.Text)
	if err != nil {
		r.errorf(text.Pos, "%v", err).WithHint("write ${!Name} for a literal ${Name}")
		return nil
	}
	values := map[string]string{} // each variable is resolved once
	var b strings.Builder
	for _, p := range parts {
		if !p.variable {
			b.WriteString(p.text)
			continue
		}
		s, seen := values[p.text]
		if !seen {
			v := r.subVariable(p.text, variables, text)
			if s, seen = v.Scalar(); !seen {
				r.errorf(text.Pos, "${%s} is not a text", p.text).WithHint("join a list with Fn::Join first")
			}
			values[p.text] = s
		}
		if b.Len()+len(s) > maxText {
			r.errorf(text.Pos, "the text grows longer than %d bytes", maxText)
			return nil
		}
		b.WriteString(s)
	}
	return r.str(b.String(), n)
}

// maxText bounds what nested calls of Fn::Sub can grow to. A whole template
// has at most 1 MB on AWS.
const maxText = 1 << 20

// subVariable is the value of a variable. Those given with the call hide
// parameters and resources of the same name.
func (r *resolver) subVariable(name string, variables, text *document.Node) *document.Node {
	if m := variables.Member(name); m != nil {
		return r.value(m.Value)
	}
	if name == "AWS::NoValue" {
		return document.Str("", text.Pos)
	}
	if id, attr, dotted := strings.Cut(name, "."); dotted && !r.b.isParameter(name) {
		return r.attribute(id, attr, text.Pos)
	}
	return r.refTo(name, text.Pos)
}

// str is a text that a function made, at the place of the call.
func (r *resolver) str(s string, n *document.Node) *document.Node {
	if strings.Contains(s, dynamicStart) {
		r.references = true
	}
	return document.Str(s, n.Pos)
}
