// Package template is CloudFormation as data: the sections of a template,
// every value with the place it was written at, and the functions (Ref,
// Fn::Sub, Fn::If and the others) that make values of it.
//
// A template is read in two steps. [New] reads the sections and says what is
// wrong with their shape. [Template.Bind] chooses parameter values for one
// stack, evaluates conditions and checks that every reference leads
// somewhere; from then on the template is fixed. What remains open are the
// values of resources that do not exist yet: [Bound.Resolve] asks an [Env]
// for them, and [Bound.Order] tells in which order they come to exist.
//
// The packages below this one turn other formats into such a template: sam
// (AWS::Serverless resources), serverless (serverless.yml) and cdk (a cdk.out
// folder). Nothing downstream knows which one the user wrote.
package template

import (
	"slices"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Template is a CloudFormation template as written. It is not changed after
// New and may be bound several times.
type Template struct {
	Description string
	// Dir is the folder that local paths in the template are relative to.
	Dir        string
	Parameters []*Parameter
	// Resources are in the order written. Resources made by Fn::ForEach are
	// not among them: their number depends on parameters (see Bound).
	Resources []*Resource
	Outputs   []*Output
	Metadata  *document.Node

	root       *document.Node
	conditions *document.Node
	mappings   *document.Node
	extensions bool // Transform lists AWS::LanguageExtensions
	loops      bool // Fn::ForEach stands somewhere
	byID       map[string]*Resource
	params     map[string]*Parameter
}

// Resource is one entry of the Resources section, unresolved.
type Resource struct {
	LogicalID           string
	Type                string
	Pos                 diag.Position // of the logical id
	Condition           string        // "" when it always exists
	DependsOn           []string
	Properties          *document.Node // never nil
	Metadata            *document.Node // may be nil
	DeletionPolicy      string
	UpdateReplacePolicy string

	dependsOn *document.Node // for the positions of DependsOn
	condition *document.Node
}

// Output is one entry of the Outputs section, unresolved.
type Output struct {
	Name        string
	Pos         diag.Position
	Description string
	Condition   string
	Value       *document.Node
	// ExportName is nil when the output is not exported.
	ExportName *document.Node

	condition *document.Node
}

// LanguageExtensions is the transform that adds Fn::ForEach, Fn::Length,
// Fn::ToJsonString and more to a template.
const LanguageExtensions = "AWS::LanguageExtensions"

// New reads the sections of a template whose root is plain CloudFormation:
// SAM and serverless.yml were turned into it before. The template is never
// nil; it is usable when the list holds no errors.
func New(root *document.Node, dir string) (*Template, diag.List) {
	t := &Template{Dir: dir, root: root, byID: map[string]*Resource{}, params: map[string]*Parameter{}}
	var msgs diag.List
	if root == nil || root.Kind != document.Map {
		msgs.Add(diag.Errorf(root.Position(), "", "a template is an object with a Resources section"))
		return t, msgs
	}
	t.readHead(&msgs)
	t.readParameters(&msgs)
	t.mappings = t.section("Mappings", &msgs)
	t.conditions = t.section("Conditions", &msgs)
	t.loops = hasForEach(root.Get("Resources")) || hasForEach(t.conditions) || hasForEach(root.Get("Outputs"))
	t.readResources(&msgs)
	t.readOutputs(&msgs)
	return t, msgs
}

// sections are the top-level keys CloudFormation knows.
var sections = []string{
	"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions",
	"Transform", "Resources", "Outputs", "Hooks",
}

func (t *Template) readHead(msgs *diag.List) {
	for _, m := range t.root.Members {
		switch {
		case m.Key == "Globals":
			msgs.Add(diag.Warningf(m.KeyPos, m.Key, "Globals is a section of SAM templates; it has no effect here").
				WithHint("add Transform: AWS::Serverless-2016-10-31"))
		case m.Key == "Rules" || m.Key == "Hooks":
			msgs.Add(diag.Notef(m.KeyPos, m.Key, "the section is not evaluated on this machine"))
		case !slices.Contains(sections, m.Key):
			msgs.Add(diag.Warningf(m.KeyPos, m.Key, "CloudFormation has no such section").WithHint("%s", diag.DidYouMean(m.Key, sections)))
		}
	}
	version := t.root.Get("AWSTemplateFormatVersion")
	if s, ok := version.Scalar(); version != nil && (!ok || s != "2010-09-09") {
		msgs.Add(diag.Errorf(version.Position(), "AWSTemplateFormatVersion", "the only version is 2010-09-09, not %q", s))
	}
	t.Description = t.root.Get("Description").TextOr("")
	t.Metadata = t.root.Get("Metadata")
	transform := t.root.Get("Transform")
	for _, name := range transform.Strings() {
		switch {
		case name == LanguageExtensions:
			t.extensions = true
		case strings.HasPrefix(name, "AWS::Serverless-"):
		default:
			msgs.Add(diag.Warningf(transform.Position(), "Transform", "the macro %s does not run on this machine", name))
		}
	}
}

// section returns a top-level map, nil when it is absent or not a map.
func (t *Template) section(name string, msgs *diag.List) *document.Node {
	n := t.root.Get(name)
	if n.IsNull() {
		return nil
	}
	if n.Kind != document.Map {
		msgs.Add(diag.Errorf(n.Pos, name, "the section is an object, not a %s", n.Kind))
		return nil
	}
	return n
}

// attributes are the keys a resource may have beside Type and Properties.
var attributes = []string{
	"Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy",
	"UpdatePolicy", "CreationPolicy", "Version",
	"Description", // stays in the template (AWS CDK, CfnResourceOptions.description)
}

func (t *Template) readResources(msgs *diag.List) {
	resources := t.section("Resources", msgs)
	if resources == nil || len(resources.Members) == 0 {
		if !msgs.HasErrors() {
			msgs.Add(diag.Errorf(t.root.Pos, "Resources", "the template has no resources"))
		}
		return
	}
	for i := range resources.Members {
		m := &resources.Members[i]
		if strings.HasPrefix(m.Key, forEachPrefix) {
			continue
		}
		if r := readResource(m, msgs); r != nil {
			t.Resources = append(t.Resources, r)
			t.byID[r.LogicalID] = r
		}
	}
}

// readResource reads one resource; nil when it cannot be used. Unknown
// attributes are warned about and not refused, so that an attribute AWS adds
// tomorrow does not keep an app from starting.
func readResource(m *document.Member, msgs *diag.List) *Resource {
	n := m.Value
	if n == nil || n.Kind != document.Map {
		msgs.Add(diag.Errorf(m.KeyPos, m.Key, "a resource is an object with a Type"))
		return nil
	}
	if !alphanumeric(m.Key) {
		msgs.Add(diag.Warningf(m.KeyPos, m.Key, "AWS refuses a logical id with anything but letters and digits"))
	}
	for _, a := range n.Members {
		if !slices.Contains(attributes, a.Key) {
			msgs.Add(diag.Warningf(a.KeyPos, m.Key+"."+a.Key, "a resource has no such attribute; it has no effect").
				WithHint("%s", diag.DidYouMean(a.Key, attributes)))
		}
	}
	r := &Resource{
		LogicalID: m.Key, Pos: m.KeyPos, Type: n.Get("Type").TextOr(""),
		Properties: n.Get("Properties"), Metadata: n.Get("Metadata"),
		DeletionPolicy:      n.Get("DeletionPolicy").TextOr(""),
		UpdateReplacePolicy: n.Get("UpdateReplacePolicy").TextOr(""),
		dependsOn:           n.Get("DependsOn"), condition: n.Get("Condition"),
	}
	r.DependsOn, r.Condition = r.dependsOn.Strings(), r.condition.TextOr("")
	if r.Type == "" {
		msgs.Add(diag.Errorf(m.KeyPos, m.Key, "the resource has no Type"))
		return nil
	}
	if strings.HasPrefix(r.Type, "AWS::Serverless::") {
		msgs.Add(diag.Errorf(n.Get("Type").Pos, m.Key, "%s is a SAM type and the template does not ask for SAM", r.Type).
			WithHint("add Transform: AWS::Serverless-2016-10-31"))
		return nil
	}
	if r.Properties.IsNull() {
		r.Properties = document.Object(m.KeyPos)
	}
	if r.Properties.Kind != document.Map {
		msgs.Add(diag.Errorf(r.Properties.Pos, m.Key+".Properties", "properties are an object, not a %s", r.Properties.Kind))
		return nil
	}
	return r
}

func (t *Template) readOutputs(msgs *diag.List) {
	outputs := t.section("Outputs", msgs)
	if outputs == nil {
		return
	}
	for _, m := range outputs.Members {
		if strings.HasPrefix(m.Key, forEachPrefix) {
			continue
		}
		key := "Outputs." + m.Key
		if m.Value.Get("Value").IsNull() {
			msgs.Add(diag.Errorf(m.KeyPos, key, "the output has no Value"))
			continue
		}
		o := &Output{
			Name: m.Key, Pos: m.KeyPos, Description: m.Value.Get("Description").TextOr(""),
			Value: m.Value.Get("Value"), ExportName: m.Value.Get("Export").Get("Name"),
			condition: m.Value.Get("Condition"),
		}
		o.Condition = o.condition.TextOr("")
		t.Outputs = append(t.Outputs, o)
	}
}

func alphanumeric(s string) bool {
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != ""
}
