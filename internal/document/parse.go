package document

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"go.yaml.in/yaml/v4"
)

// maxNodes bounds what aliases may expand to: a template of a few lines can
// otherwise ask for billions of values.
const maxNodes = 1 << 20

// ReadFile parses a YAML or JSON file. JSON is read as the YAML subset it is,
// which gives it the same positions.
func ReadFile(path string) (*Node, diag.List, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", path, err)
	}
	n, msgs := Parse(path, data)
	return n, msgs, msgs.Err()
}

// Parse reads YAML or JSON text; file names it in positions. The result is
// nil when the text cannot be read at all, and then the list says why; an
// empty text is an empty Map. Merge keys (<<) and aliases are resolved.
// CloudFormation's short tags become their long form: !Ref x is {"Ref": x},
// !GetAtt a.b is {"Fn::GetAtt": ["a","b"]}, and so for every Fn:: function.
//
// A key that stands twice in one mapping is accepted as AWS accepts it: the
// last one counts, and a warning names both places.
func Parse(file string, data []byte) (*Node, diag.List) {
	var msgs diag.List
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	// JSON may be indented with tabs, which YAML refuses; between JSON tokens
	// a tab is only space. Strings cannot hold a raw tab in JSON.
	if looksLikeJSON(data) {
		data = bytes.ReplaceAll(data, []byte("\t"), []byte(" "))
	}
	var root yaml.Node
	if err := yaml.Load(data, &root, yaml.WithUniqueKeys(false)); err != nil {
		if strings.Contains(err.Error(), "no documents in stream") {
			return Object(diag.Position{File: file, Line: 1, Column: 1}), nil
		}
		msgs.Add(parseError(file, err))
		return nil, msgs
	}
	c := converter{file: file, msgs: &msgs}
	n := c.node(&root)
	if n == nil {
		n = Object(diag.Position{File: file, Line: 1, Column: 1})
	}
	if c.count > maxNodes {
		msgs.Add(diag.Errorf(diag.Position{File: file}, "", "the file expands to more than %d values", maxNodes).
			WithHint("remove aliases that repeat large blocks"))
		return nil, msgs
	}
	return n, msgs
}

func looksLikeJSON(data []byte) bool {
	t := bytes.TrimSpace(data)
	return len(t) > 0 && (t[0] == '{' || t[0] == '[')
}

var lineInError = regexp.MustCompile(`line (\d+)(?:[,:]? ?(?:column )?(\d+))?`)

func parseError(file string, err error) *diag.Message {
	m := diag.Errorf(diag.Position{File: file}, "", "not valid YAML or JSON: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	var le *yaml.LoadError
	if errors.As(err, &le) && le.Mark.Line > 0 {
		m.Position.Line, m.Position.Column = le.Mark.Line, le.Mark.Column
		m.Text = "not valid YAML or JSON: " + le.Message
		if le.ContextMsg != "" {
			m.Text += " " + le.ContextMsg
		}
	} else if g := lineInError.FindStringSubmatch(err.Error()); g != nil {
		fmt.Sscan(g[1], &m.Position.Line)
		fmt.Sscan(g[2], &m.Position.Column)
	}
	return m
}

type converter struct {
	file    string
	msgs    *diag.List
	count   int
	aliases []*yaml.Node // being expanded: an alias inside itself is refused
}

func (c *converter) pos(y *yaml.Node) diag.Position {
	return diag.Position{File: c.file, Line: y.Line, Column: y.Column}
}

func (c *converter) node(y *yaml.Node) *Node {
	c.count++
	if c.count > maxNodes {
		return &Node{Kind: Null}
	}
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) == 0 {
			return nil
		}
		return c.node(y.Content[0])
	case yaml.AliasNode:
		for _, open := range c.aliases {
			if open == y.Alias {
				c.msgs.Add(diag.Errorf(c.pos(y), "*"+y.Value, "the alias stands inside its own anchor"))
				return &Node{Kind: Null, Pos: c.pos(y)}
			}
		}
		c.aliases = append(c.aliases, y.Alias)
		n := c.node(y.Alias)
		c.aliases = c.aliases[:len(c.aliases)-1]
		return n
	case yaml.ScalarNode:
		return c.tagged(y, c.scalar(y))
	case yaml.SequenceNode:
		n := &Node{Kind: List, Pos: c.pos(y)}
		for _, it := range y.Content {
			n.Items = append(n.Items, c.node(it))
		}
		return c.tagged(y, n)
	case yaml.MappingNode:
		return c.tagged(y, c.mapping(y))
	}
	return &Node{Kind: Null, Pos: c.pos(y)}
}

func (c *converter) mapping(y *yaml.Node) *Node {
	n := &Node{Kind: Map, Pos: c.pos(y)}
	var merged []*Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.Tag == "!!merge" || k.Value == "<<" && k.Style == 0 {
			merged = append(merged, c.mergeSources(c.node(v))...)
			continue
		}
		key := k.Value
		if k.Kind == yaml.AliasNode {
			key = k.Alias.Value
		}
		member := Member{Key: key, KeyPos: c.pos(k), Value: c.node(v)}
		if old := n.Member(key); old != nil {
			c.msgs.Add(diag.Warningf(member.KeyPos, key, "the key stands twice; the one at line %d is not used", old.KeyPos.Line))
			*old = member
			continue
		}
		n.Members = append(n.Members, member)
	}
	for _, m := range merged {
		for _, mem := range m.Members {
			if n.Member(mem.Key) == nil {
				n.Members = append(n.Members, mem)
			}
		}
	}
	return n
}

func (c *converter) mergeSources(n *Node) []*Node {
	switch n.Kind {
	case Map:
		return []*Node{n}
	case List:
		var out []*Node
		for _, it := range n.Items {
			out = append(out, c.mergeSources(it)...)
		}
		return out
	}
	c.msgs.Add(diag.Errorf(n.Pos, "<<", "a merge key takes a mapping or a list of mappings, not a %s", n.Kind))
	return nil
}

var (
	// YAML 1.1 booleans that CloudFormation's reader knows too; yes/no/on/off
	// stay strings there, as in YAML 1.2.
	boolText   = regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)
	numberText = regexp.MustCompile(`^[-+]?(\d[\d_]*(\.\d*)?|\.\d+)([eE][-+]?\d+)?$`)
)

func (c *converter) scalar(y *yaml.Node) *Node {
	n := &Node{Kind: String, Text: y.Value, Pos: c.pos(y)}
	plain := y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if !plain || strings.HasPrefix(y.Tag, "!") && !strings.HasPrefix(y.Tag, "!!") || y.Tag == "!!str" && y.Style&yaml.TaggedStyle != 0 {
		return n
	}
	switch {
	case y.Value == "" || y.Value == "~" || strings.EqualFold(y.Value, "null"):
		n.Kind = Null
	case boolText.MatchString(y.Value):
		n.Kind, n.Text = Bool, strings.ToLower(y.Value)
	case numberText.MatchString(y.Value):
		n.Kind = Number
	}
	return n
}

// shortTags lists CloudFormation's short forms; all but Ref and Condition
// stand for Fn::<name>.
var shortTags = map[string]bool{
	"And": true, "Base64": true, "Cidr": true, "Condition": true, "Contains": true, "EachMemberEquals": true,
	"EachMemberIn": true, "Equals": true, "FindInMap": true, "ForEach": true, "GetAZs": true, "GetAtt": true,
	"GetStackOutput": true, "If": true, "ImportValue": true, "Join": true, "Length": true, "Not": true, "Or": true,
	"Ref": true, "RefAll": true, "Select": true, "Split": true, "Sub": true, "ToJsonString": true, "Transform": true,
	"ValueOf": true, "ValueOfAll": true,
}

// tagged turns a short tag on y into the long form around n.
func (c *converter) tagged(y *yaml.Node, n *Node) *Node {
	if !strings.HasPrefix(y.Tag, "!") || strings.HasPrefix(y.Tag, "!!") || y.Tag == "!" {
		return n
	}
	name := y.Tag[1:]
	if !shortTags[name] {
		c.msgs.Add(diag.Errorf(c.pos(y), y.Tag, "unknown tag").WithHint("CloudFormation knows !Ref, !GetAtt, !Sub, !Join and the other short forms of its functions"))
		return n
	}
	key := "Fn::" + name
	switch {
	case name == "Ref" || name == "Condition":
		key = name
	case name == "GetAtt" && n.Kind == String:
		resource, attr, ok := strings.Cut(n.Text, ".")
		if !ok {
			c.msgs.Add(diag.Errorf(n.Pos, "!GetAtt", "%q names no attribute", n.Text).WithHint("write !GetAtt Resource.Attribute"))
		}
		n = Seq(n.Pos, Str(resource, n.Pos), Str(attr, n.Pos))
	}
	return &Node{Kind: Map, Pos: n.Pos, Members: []Member{{Key: key, KeyPos: c.pos(y), Value: n}}}
}
