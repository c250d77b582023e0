package cdk

import (
	"regexp"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// helpers are the custom resources that CDK constructs add on their own, and
// what is missed without them. They and the functions behind them are left
// out.
var helpers = map[string]string{
	"Custom::LogRetention":                  "logs are kept as long as the app runs",
	"Custom::S3AutoDeleteObjects":           "buckets are not emptied on delete",
	"Custom::S3BucketNotifications":         "bucket notifications are not set up",
	"Custom::CDKBucketDeployment":           "files are not copied into the bucket",
	"Custom::AWS":                           "the calls to AWS of an AwsCustomResource are not made",
	"Custom::ECRAutoDeleteImages":           "repositories are not emptied on delete",
	"Custom::VpcRestrictDefaultSG":          "security groups have no effect on this machine",
	"Custom::CloudwatchLogResourcePolicy":   "log resource policies have no effect on this machine",
	"Custom::CrossRegionExportReader":       "values are not passed between regions",
	"Custom::CrossRegionExportWriter":       "values are not passed between regions",
	"Custom::DynamoDBReplica":               "tables have no replicas on this machine",
	"Custom::AWSCDKOpenIdConnectProvider":   "identity providers of IAM have no effect on this machine",
	"Custom::UserPoolCloudFrontDomainName":  "user pool domains have no effect on this machine",
	"Custom::DescribeCognitoUserPoolClient": "user pool clients are not read",
}

// bootstrap names what CDK adds to every template to check the account.
const (
	bootstrapParameter = "BootstrapVersion"
	bootstrapRule      = "CheckBootstrapVersion"
)

// cleaner turns a template as CDK writes it into one that runs here.
type cleaner struct {
	dir     string
	assets  assetFiles
	msgs    *diag.List
	dropped map[string]string // logical id: type
}

// clean returns the template as it runs here. Sections left empty are dropped,
// so that a template without parameters of its own has no Parameters.
func (c *cleaner) clean(root *document.Node) *document.Node {
	resources := root.Get("Resources")
	c.findDropped(resources, root.Get("Outputs"))
	out := document.Object(root.Position())
	for _, m := range members(root) {
		switch m.Key {
		case "Parameters":
			m.Value = without(m.Value, func(key string) bool {
				return key == bootstrapParameter || strings.HasPrefix(key, "AssetParameters")
			})
		case "Rules":
			m.Value = without(m.Value, func(key string) bool { return key == bootstrapRule })
		case "Resources":
			m.Value = c.resources(resources)
		}
		if m.Value != nil {
			out.Members = append(out.Members, m)
		}
	}
	return out
}

// without copies a map but for some keys; nil when nothing is left.
func without(n *document.Node, drop func(string) bool) *document.Node {
	out := document.Object(n.Pos)
	for _, m := range n.Members {
		if !drop(m.Key) {
			out.Members = append(out.Members, m)
		}
	}
	if len(out.Members) == 0 {
		return nil
	}
	return out
}

// findDropped decides what is left out: CDK's own metadata, the helpers, and
// functions and layers that nothing but the left-out refers to. A helper
// whose value something needs stays, so that the reference leads somewhere.
func (c *cleaner) findDropped(resources, outputs *document.Node) {
	c.dropped = map[string]string{}
	needed := uses(resources, func(m document.Member) bool { return helpers[typeOf(m.Value)] != "" })
	named(outputs, func(id string) { needed[id] = true })
	behind := map[string]bool{}
	for _, m := range members(resources) {
		typ := typeOf(m.Value)
		why, helper := helpers[typ]
		switch {
		case typ == "AWS::CDK::Metadata":
			c.dropped[m.Key] = typ
		case helper && needed[m.Key]:
			c.msgs.Add(diag.Warningf(m.KeyPos, m.Key, "%s has no real value: %s", typ, why).
				WithHint("give what is read from it in another way, for example as a context value"))
		case helper:
			c.dropped[m.Key] = typ
			c.msgs.Add(diag.Notef(m.KeyPos, m.Key, "%s is left out: %s", typ, why))
			named(m.Value.Get("Properties").Get("ServiceToken"), func(id string) { behind[id] = true })
		}
	}
	// The functions first, then the layers that only they use.
	for range 2 {
		used := uses(resources, func(m document.Member) bool { return c.dropped[m.Key] != "" })
		named(outputs, func(id string) { used[id] = true })
		for _, m := range members(resources) {
			typ := typeOf(m.Value)
			if !behind[m.Key] || used[m.Key] || typ != "AWS::Lambda::Function" && typ != "AWS::Lambda::LayerVersion" {
				continue
			}
			c.dropped[m.Key] = typ
			named(m.Value.Get("Properties").Get("Layers"), func(id string) { behind[id] = true })
		}
	}
}

func typeOf(n *document.Node) string { return n.Get("Type").TextOr("") }

// uses is the set of logical ids that the properties of resources name, but
// for resources that are skipped.
func uses(resources *document.Node, skip func(document.Member) bool) map[string]bool {
	used := map[string]bool{}
	for _, m := range members(resources) {
		if !skip(m) {
			named(m.Value.Get("Properties"), func(id string) { used[id] = true })
		}
	}
	return used
}

// subName is the logical id a variable of Fn::Sub begins with.
var subName = regexp.MustCompile(`\$\{([A-Za-z0-9]+)`)

// named calls visit for every logical id that Ref, Fn::GetAtt and Fn::Sub
// name in n.
func named(n *document.Node, visit func(id string)) {
	if n == nil {
		return
	}
	for _, it := range n.Items {
		named(it, visit)
	}
	for _, m := range n.Members {
		switch {
		case m.Key == "Ref" && m.Value.IsScalar():
			visit(m.Value.Text)
			continue
		case m.Key == "Fn::GetAtt":
			path := m.Value.TextOr(strings.Join(m.Value.Strings(), "."))
			id, _, _ := strings.Cut(path, ".")
			visit(id)
			continue
		case m.Key == "Fn::Sub":
			text := m.Value
			if len(m.Value.Items) > 0 {
				text = m.Value.Items[0]
			}
			for _, g := range subName.FindAllStringSubmatch(text.TextOr(""), -1) {
				visit(g[1])
			}
		}
		named(m.Value, visit)
	}
}

func (c *cleaner) resources(resources *document.Node) *document.Node {
	out := document.Object(resources.Position())
	for _, m := range members(resources) {
		if c.dropped[m.Key] != "" {
			continue
		}
		m.Value = c.resource(m.Key, m.Value)
		out.Members = append(out.Members, m)
	}
	return out
}

// resource puts local paths in place of assets and drops DependsOn to what is
// left out.
func (c *cleaner) resource(id string, n *document.Node) *document.Node {
	out := *n
	out.Members = append([]document.Member(nil), n.Members...)
	for i := range out.Members {
		m := &out.Members[i]
		switch m.Key {
		case "DependsOn":
			m.Value = c.dependsOn(m.Value)
		case "Properties":
			m.Value = c.properties(id, m.Value, n.Get("Metadata"))
		}
	}
	if source, ok := c.image(n); ok {
		// The words in which SAM templates say where an image is built from.
		meta := n.Get("Metadata").Clone()
		if meta.IsNull() {
			meta = document.Object(n.Pos)
		}
		meta.Set("DockerContext", document.Str(source.directory, n.Pos)).Set("Dockerfile", document.Str(source.dockerfile, n.Pos))
		out.Set("Metadata", meta)
	}
	return &out
}

func (c *cleaner) dependsOn(n *document.Node) *document.Node {
	out := document.Seq(n.Pos)
	for _, id := range n.Strings() {
		if c.dropped[id] == "" {
			out.Items = append(out.Items, document.Str(id, n.Pos))
		}
	}
	return out
}

// codeProperties hold code that may be an asset.
var codeProperties = []string{"Code", "Content", "CodeUri", "TemplateURL"}

// properties replaces code by the path of its asset. What `cdk synth` wrote as
// metadata counts first: it is there when the CDK command line ran the app. An
// app run by itself (node app.js) writes none, and then the key the code would
// have in S3 leads to the asset by way of the asset manifest, or in version 1
// the parameter of its bucket by way of the stack's own metadata.
func (c *cleaner) properties(id string, props, metadata *document.Node) *document.Node {
	out := props
	for _, name := range codeProperties {
		value := props.Get(name)
		if value == nil {
			continue
		}
		path, ok := metadata.Get("aws:asset:path").Scalar()
		if !ok || metadata.Get("aws:asset:property").TextOr("Code") != name {
			path, ok = c.assets.files[value.Get("S3Key").TextOr("")]
		}
		if !ok {
			named(value, func(id string) {
				if p, found := c.assets.parameters[id]; found {
					path, ok = p, true
				}
			})
		}
		if !ok || !value.Get("ImageUri").IsNull() {
			continue
		}
		text, err := c.path(value, path)
		if err != nil {
			c.msgs.Add(diag.Errorf(value.Pos, id+"."+name, "%v", err).WithHint("run cdk synth again"))
			continue
		}
		if out == props {
			copied := *props
			copied.Members = append([]document.Member(nil), props.Members...)
			out = &copied
		}
		out.Set(name, text)
	}
	return out
}

// image finds the folder an image asset is built from, by the tag its URI
// ends with.
func (c *cleaner) image(n *document.Node) (imageSource, bool) {
	uri := n.Get("Properties").Get("Code").Get("ImageUri")
	text := uri.TextOr(uri.Get("Fn::Sub").TextOr(""))
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return imageSource{}, false
	}
	source, ok := c.assets.images[text[i+1:]]
	return source, ok && source.directory != ""
}
