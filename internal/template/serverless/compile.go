package serverless

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
	"github.com/suiro-dev/suiro/internal/template/serverless/config"
	"github.com/suiro-dev/suiro/internal/template/serverless/schema"
)

// compiler turns a resolved configuration into a template.
type compiler struct {
	*config.Config
	cfg      *document.Node
	provider *document.Node
	service  string
	msgs     diag.List

	resources, outputs *document.Node
	functions          []*function
	byKey              map[string]*function
	shared             *role   // the service's role; nil where none is made
	roles              []*role // all generated roles
	plugins            plugins

	websockets []websocketEvent
	httpRoutes []httpRoute
	restEvents []restEvent
}

// function is one entry of `functions`.
type function struct {
	key, name string
	id        string // logical id of its AWS::Lambda::Function
	node      *document.Node
	pos       diag.Position
	// alias and aliasID are set where events must call an alias: provisioned
	// concurrency and SnapStart.
	alias, aliasID string
	role           *role          // generated, or nil
	roleNode       *document.Node // what the function's Role is
	roleID         string         // the resource roleNode names, or ""
	counts         map[string]int // events so far, by kind
}

// newCompiler prepares the compilation of a configuration.
func newCompiler(conf *config.Config) *compiler {
	cfg := conf.Root
	c := &compiler{Config: conf, cfg: cfg, byKey: map[string]*function{}}
	c.provider = cfg.Get("provider")
	if c.provider.IsScalar() { // the short form `provider: aws`
		c.provider = build.Object(c.provider.Pos, "name", c.provider)
	}
	c.resources = document.Object(cfg.Pos)
	c.outputs = document.Object(cfg.Pos)
	return c
}

// errorf records an error at a value of the configuration.
func (c *compiler) errorf(n *document.Node, key, format string, args ...any) *diag.Message {
	m := diag.Errorf(c.at(n), key, format, args...)
	c.msgs.Add(m)
	return m
}

// warnf records a warning at a value of the configuration.
func (c *compiler) warnf(n *document.Node, key, format string, args ...any) *diag.Message {
	m := diag.Warningf(c.at(n), key, format, args...)
	c.msgs.Add(m)
	return m
}

// at is where a value stands, or else the file.
func (c *compiler) at(n *document.Node) diag.Position {
	if n == nil || n.Pos.IsZero() {
		return diag.Position{File: c.File}
	}
	return n.Pos
}

// add puts a resource into the template and returns it.
func (c *compiler) add(at diag.Position, id, kind string, properties *document.Node, dependsOn ...string) *document.Node {
	r := build.Object(at, "Type", kind, "Properties", properties)
	c.dependsOn(r, dependsOn...)
	c.resources.Set(id, r)
	return r
}

// dependsOn adds to a resource's DependsOn; empty names are skipped.
func (c *compiler) dependsOn(r *document.Node, ids ...string) {
	var all []string
	for _, id := range append(r.Get("DependsOn").Strings(), ids...) {
		if id != "" {
			all = append(all, id)
		}
	}
	if len(all) > 0 {
		r.Set("DependsOn", build.Texts(r.Pos, all))
	}
}

// output puts an output into the template. Its export name follows when all
// generated outputs are known (see template).
func (c *compiler) output(at diag.Position, id, description string, value any) {
	o := document.Object(at)
	if description != "" {
		o.Set("Description", document.Str(description, at))
	}
	o.Set("Value", build.Node(at, value))
	c.outputs.Set(id, o)
}

// compile makes the template.
func (c *compiler) compile() *document.Node {
	if !c.header() {
		return nil
	}
	c.websocketsPlugin()
	c.msgs.Add(schema.Check(c.cfg, c.foldList("functions"))...)
	c.readPlugins()
	c.readFunctions()
	c.generateRoles()
	c.logGroups()
	c.layers()
	for _, f := range c.functions {
		c.lambda(f)
	}
	for _, f := range c.functions {
		c.events(f)
	}
	// APIs come after all functions: one route list, one deployment each.
	c.websocketsAPI()
	c.httpAPI()
	c.restAPI()
	c.finishRoles()
	return c.template()
}

// header checks what every service has to say.
func (c *compiler) header() bool {
	service := c.cfg.Get("service")
	if service.Get("name") != nil { // the form of version 1
		service = service.Get("name")
	}
	c.service = service.TextOr("")
	if c.service == "" {
		c.errorf(c.cfg, "service", "the service has no name").WithHint("write service: my-app at the top")
	}
	if c.provider.IsNull() {
		c.errorf(c.cfg, "provider", "the service has no provider").WithHint("write provider: {name: aws}")
		return false
	}
	name := c.provider.Get("name")
	if name.TextOr("aws") != "aws" {
		c.errorf(name, "provider.name", "the provider is %q; Suiro runs services for aws", name.Text)
	}
	return !c.msgs.HasErrors()
}

// template puts the parts together: generated resources, the user's own over
// them, extensions over both.
func (c *compiler) template() *document.Node {
	at := c.cfg.Pos
	// The framework exports every output it makes as sls-{service}-{stage}-{id},
	// for ${cf:...} and Fn::ImportValue in other services; the user's own keep
	// what they say.
	bucket := build.Node(at, fmt.Sprintf("%s-%s-serverlessdeploymentbucket-local", c.service, c.Stage))
	c.output(at, "ServerlessDeploymentBucketName", "", orNode(c.provider.Get("deploymentBucket"), bucket))
	for _, m := range c.outputs.Members {
		m.Value.Set("Export", build.Object(at, "Name", fmt.Sprintf("sls-%s-%s-%s", c.service, c.Stage, m.Key)))
	}
	root := build.Object(at,
		"AWSTemplateFormatVersion", "2010-09-09",
		"Description", "The AWS CloudFormation template for this Serverless application",
		"Resources", c.resources,
		"Outputs", c.outputs,
	)
	own := c.foldList("resources")
	extensions := own.Get("extensions")
	if own != nil {
		own = build.Overlay(own)
		own.Remove("extensions")
		c.checkResources(own)
		root = build.Merge(root, own)
	}
	if extensions != nil {
		c.extend(root, extensions)
	}
	if c.plugins.pseudo {
		for _, section := range []string{"Resources", "Outputs"} {
			root.Set(section, references(root.Get(section), false))
		}
	}
	c.deploymentBucket(root)
	for i, m := range root.Get("Resources").Members {
		if p := m.Value.Get("Properties"); p != nil {
			v := build.Overlay(m.Value)
			v.Member("Properties").Value = build.WithoutNulls(p)
			root.Get("Resources").Members[i].Value = v
		}
	}
	return root
}

// orNode is a name given as text or under `name`, else the fallback.
func orNode(n, fallback *document.Node) *document.Node {
	if build.Given(n) && n.Kind != document.Map {
		return n
	}
	if build.Given(n.Get("name")) {
		return n.Get("name")
	}
	return fallback
}

// foldList turns a list of objects (`functions` and `resources` may be given
// that way, usually as files) into one object.
func (c *compiler) foldList(key string) *document.Node {
	n := c.cfg.Get(key)
	if n.IsNull() {
		return nil
	}
	if n.Kind == document.Map {
		return n
	}
	if n.Kind != document.List {
		c.errorf(n, key, "%s is an object, or a list of objects, not %s", key, build.Kind(n))
		return nil
	}
	out := document.Object(n.Pos)
	for _, it := range n.Items {
		switch {
		case it.IsNull():
		case it.Kind == document.Map:
			out = build.Merge(out, it)
		default:
			c.errorf(it, key, "the list %s holds %s where an object is needed", key, build.Kind(it))
		}
	}
	return out
}

// checkResources refuses what is no template section or no resource.
func (c *compiler) checkResources(own *document.Node) {
	for _, m := range own.Members {
		switch m.Key {
		case "AWSTemplateFormatVersion", "Conditions", "Description", "Mappings", "Metadata", "Outputs", "Parameters",
			"Resources", "Transform", "Rules":
		default:
			c.msgs.Add(diag.Warningf(m.KeyPos, "resources."+m.Key, "a template has no section of this name; it has no effect").
				WithHint("resources stand one level deeper, under resources.Resources"))
		}
	}
}

// extend applies resources.extensions: attributes and properties set over
// resources that exist, property by property and not deeper.
func (c *compiler) extend(root, extensions *document.Node) {
	resources := root.Get("Resources")
	for _, x := range extensions.Members {
		key := "resources.extensions." + x.Key
		target := resources.Member(x.Key)
		if target == nil {
			c.msgs.Add(diag.Errorf(x.KeyPos, key, "there is no resource %q to extend", x.Key).
				WithHint("%s", schema.Nearest(x.Key, resources.Keys())))
			continue
		}
		res := build.Overlay(target.Value)
		for _, a := range x.Value.Members {
			switch a.Key {
			case "Condition", "CreationPolicy", "DeletionPolicy", "UpdatePolicy", "UpdateReplacePolicy":
				res.Set(a.Key, a.Value)
			case "Properties", "Metadata":
				res.Set(a.Key, build.Overlay(res.Get(a.Key), a.Value))
			case "DependsOn":
				c.dependsOn(res, a.Value.Strings()...)
			default:
				c.msgs.Add(diag.Errorf(a.KeyPos, key+"."+a.Key, "this attribute cannot be extended"))
			}
		}
		target.Value = res
	}
}

// deploymentBucket adds the bucket that deployments are uploaded to, only if
// the service refers to it: nothing is uploaded here.
func (c *compiler) deploymentBucket(root *document.Node) {
	if root.Get("Resources").Get(deploymentBucketID) == nil && refersTo(root, deploymentBucketID) {
		at := c.cfg.Pos
		root.Get("Resources").Set(deploymentBucketID, build.Object(at, "Type", "AWS::S3::Bucket", "Properties", document.Object(at)))
	}
}

// refersTo tells whether Ref, Fn::GetAtt or Fn::Sub names a resource in n.
func refersTo(n *document.Node, id string) bool {
	if n == nil {
		return false
	}
	for _, it := range n.Items {
		if refersTo(it, id) {
			return true
		}
	}
	for _, m := range n.Members {
		switch m.Key {
		case "Ref":
			if m.Value.TextOr("") == id {
				return true
			}
		case "Fn::GetAtt":
			if s := m.Value.Strings(); len(s) > 0 && (s[0] == id || strings.HasPrefix(s[0], id+".")) {
				return true
			}
		case "Fn::Sub":
			for _, s := range m.Value.Strings() {
				if strings.Contains(s, "${"+id+"}") || strings.Contains(s, "${"+id+".") {
					return true
				}
			}
		}
		if refersTo(m.Value, id) {
			return true
		}
	}
	return false
}

// logical maps function keys to logical ids.
func (c *compiler) logical() map[string]string {
	m := make(map[string]string, len(c.functions))
	for _, f := range c.functions {
		m[f.key] = f.id
	}
	return m
}

// parameters are the values of provider.stackParameters.
func (c *compiler) parameters() map[string]string {
	m := map[string]string{}
	for _, it := range build.Items(c.provider.Get("stackParameters")) {
		if key := it.Get("ParameterKey").TextOr(""); key != "" {
			m[key] = it.Get("ParameterValue").TextOr("")
		}
	}
	return m
}

// hash names content inside a logical id, as the framework does for versions
// and deployments: a changed definition is another resource.
func hash(nodes ...*document.Node) string {
	h := sha256.New()
	for _, n := range nodes {
		h.Write([]byte(n.JSON()))
		h.Write([]byte{0})
	}
	return alphanumeric(base64.StdEncoding.EncodeToString(h.Sum(nil)))
}
