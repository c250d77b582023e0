package template

import (
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Parameter is one entry of the Parameters section.
type Parameter struct {
	Name        string
	Pos         diag.Position
	Type        string // String, Number, CommaDelimitedList, List<...>, AWS::...
	Description string
	// Default is nil when a value must be given.
	Default *document.Node
	// NoEcho values must not be shown.
	NoEcho bool

	node *document.Node // the constraints
}

// parameterKeys are the keys of a parameter.
var parameterKeys = []string{
	"Type", "Default", "Description", "AllowedValues", "AllowedPattern", "ConstraintDescription",
	"MinLength", "MaxLength", "MinValue", "MaxValue", "NoEcho",
}

func (t *Template) readParameters(msgs *diag.List) {
	section := t.section("Parameters", msgs)
	if section == nil {
		return
	}
	for _, m := range section.Members {
		key := "Parameters." + m.Key
		if m.Value == nil || m.Value.Kind != document.Map {
			msgs.Add(diag.Errorf(m.KeyPos, key, "a parameter is an object with a Type"))
			continue
		}
		p := &Parameter{
			Name: m.Key, Pos: m.KeyPos, Type: m.Value.Get("Type").TextOr(""),
			Description: m.Value.Get("Description").TextOr(""),
			Default:     m.Value.Get("Default"),
			NoEcho:      m.Value.Get("NoEcho").TruthOr(false),
			node:        m.Value,
		}
		for _, k := range m.Value.Members {
			if !slices.Contains(parameterKeys, k.Key) {
				msgs.Add(diag.Warningf(k.KeyPos, key+"."+k.Key, "a parameter has no such key; it has no effect").
					WithHint("%s", diag.DidYouMean(k.Key, parameterKeys)))
			}
		}
		if p.Type == "" {
			msgs.Add(diag.Errorf(m.KeyPos, key, "the parameter has no Type").WithHint("Type: String is the usual one"))
			p.Type = "String"
		} else if !knownParameterType(p.Type) {
			msgs.Add(diag.Errorf(m.Value.Get("Type").Pos, key+".Type", "CloudFormation has no parameter type %s", p.Type).
				WithHint("%s", diag.DidYouMean(p.Type, []string{"String", "Number", "CommaDelimitedList", "List<Number>"})))
		}
		t.Parameters = append(t.Parameters, p)
		t.params[p.Name] = p
	}
}

func knownParameterType(s string) bool {
	switch s {
	case "String", "Number", "CommaDelimitedList", "List<Number>", "List<String>":
		return true
	}
	return strings.HasPrefix(s, "AWS::") || strings.HasPrefix(s, "List<AWS::")
}

// ssmValue returns the type between the brackets of
// AWS::SSM::Parameter::Value<...>, whose value names a parameter of the
// parameter store.
func (p *Parameter) ssmValue() (string, bool) {
	inner, ok := strings.CutPrefix(p.Type, "AWS::SSM::Parameter::Value<")
	return strings.TrimSuffix(inner, ">"), ok
}

func isListType(s string) bool {
	return s == "CommaDelimitedList" || strings.HasPrefix(s, "List<")
}

// bindParameters chooses a value for every parameter: the given one, else the
// default. As on AWS, a given name the template lacks is an error.
func (b *Bound) bindParameters(given map[string]string, msgs *diag.List) {
	names := make([]string, 0, len(b.t.Parameters))
	for _, p := range b.t.Parameters {
		names = append(names, p.Name)
		text, ok := given[p.Name]
		if !ok {
			if p.Default.IsNull() {
				msgs.Add(diag.Errorf(p.Pos, "Parameters."+p.Name, "the parameter needs a value").
					WithHint("give it with --param %s=VALUE or add a Default", p.Name))
				continue
			}
			text = defaultText(p.Default)
		}
		if m := p.check(text); m != nil {
			msgs.Add(m)
			continue
		}
		b.values[p.Name] = b.parameterValue(p, text, msgs)
	}
	var unknown []string
	for name := range given {
		if b.t.params[name] == nil {
			unknown = append(unknown, name)
		}
	}
	sort.Strings(unknown)
	for _, name := range unknown {
		msgs.Add(diag.Errorf(b.t.root.Position(), "Parameters."+name, "a value is given for a parameter the template does not have").
			WithHint("%s", diag.DidYouMean(name, names)))
	}
}

// defaultText is a default as text; a list counts as comma-separated.
func defaultText(n *document.Node) string {
	if s, ok := n.Scalar(); ok {
		return s
	}
	return strings.Join(n.Strings(), ",")
}

// parameterValue makes the value that Ref gives: a text, also for numbers
// (CloudFormation User Guide, "Parameters": a number becomes a string when it
// is used elsewhere), or a list of texts.
func (b *Bound) parameterValue(p *Parameter, text string, msgs *diag.List) *document.Node {
	at := p.Default.Position()
	typ := p.Type
	if inner, ok := p.ssmValue(); ok {
		typ = inner
		v, found := b.env.Dynamic("ssm", text)
		if !found {
			msgs.Add(diag.Errorf(p.Pos, "Parameters."+p.Name, "the parameter store has no parameter %q", text))
			return document.Str("", at)
		}
		if v.Kind == document.List {
			return v
		}
		text = v.TextOr("")
	}
	if isListType(typ) {
		list := document.Seq(at)
		if strings.TrimSpace(text) == "" {
			return list
		}
		for _, s := range strings.Split(text, ",") {
			list.Items = append(list.Items, document.Str(strings.TrimSpace(s), at))
		}
		return list
	}
	return document.Str(text, at)
}

// check holds a value against the constraints of the parameter. For lists,
// CloudFormation checks AllowedValues and AllowedPattern item by item.
func (p *Parameter) check(text string) *diag.Message {
	if _, ok := p.ssmValue(); ok {
		return nil
	}
	items := []string{text}
	if isListType(p.Type) {
		items = nil
		for _, s := range strings.Split(text, ",") {
			items = append(items, strings.TrimSpace(s))
		}
	}
	for _, it := range items {
		if problem := p.violation(it); problem != "" {
			shown := it
			if p.NoEcho {
				shown = "****"
			}
			m := diag.Errorf(p.Pos, "Parameters."+p.Name, "the value %q %s", shown, problem)
			if why := p.node.Get("ConstraintDescription").TextOr(""); why != "" {
				m.WithHint("%s", why)
			}
			return m
		}
	}
	return nil
}

// violation says which constraint a value breaks, "" when none.
func (p *Parameter) violation(text string) string {
	if strings.Contains(p.Type, "Number") {
		if s := p.numberViolation(text); s != "" {
			return s
		}
	}
	if allowed := p.node.Get("AllowedValues"); allowed != nil && !slices.Contains(allowed.Strings(), text) {
		return "is not one of the allowed values " + strings.Join(allowed.Strings(), ", ")
	}
	length := utf8.RuneCountInString(text)
	if n, ok := p.node.Get("MinLength").Integer(); ok && length < n {
		return "is shorter than " + strconv.Itoa(n) + " characters"
	}
	if n, ok := p.node.Get("MaxLength").Integer(); ok && length > n {
		return "is longer than " + strconv.Itoa(n) + " characters"
	}
	if pattern, ok := p.node.Get("AllowedPattern").Scalar(); ok {
		// CloudFormation anchors the pattern at both ends. A pattern with
		// syntax only Java knows (look-around) is not checked.
		if re, err := regexp.Compile(`^(?:` + pattern + `)$`); err == nil && !re.MatchString(text) {
			return "does not match the pattern " + pattern
		}
	}
	return ""
}

func (p *Parameter) numberViolation(text string) string {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return "is not a number"
	}
	if s, ok := p.node.Get("MinValue").Scalar(); ok {
		if n, err := strconv.ParseFloat(s, 64); err == nil && v < n {
			return "is less than " + s
		}
	}
	if s, ok := p.node.Get("MaxValue").Scalar(); ok {
		if n, err := strconv.ParseFloat(s, 64); err == nil && v > n {
			return "is more than " + s
		}
	}
	return ""
}
