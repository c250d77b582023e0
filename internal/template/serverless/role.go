package serverless

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/template/serverless/build"
)

// role is an execution role that the framework makes: one for the service, or
// one for a function that has statements of its own. Events add statements
// while they are compiled; finishRoles writes the resource.
type role struct {
	id         string
	pos        diag.Position
	statements []*document.Node
	managed    []*document.Node
	properties *document.Node // RoleName, Path, Tags, PermissionsBoundary
	scheduler  bool           // EventBridge Scheduler assumes it too
}

// allow adds a statement to the function's generated role, if it has one. A
// statement that is there already is not added again.
func (f *function) allow(at diag.Position, actions []string, resources ...*document.Node) {
	if f.role == nil {
		return
	}
	items := make([]any, len(resources))
	for i, r := range resources {
		items[i] = r
	}
	f.role.add(build.Object(at, "Effect", "Allow", "Action", build.Texts(at, actions), "Resource", build.List(at, items...)))
}

// add adds a statement once.
func (r *role) add(statement *document.Node) {
	for _, s := range r.statements {
		if s.Equal(statement) {
			return
		}
	}
	r.statements = append(r.statements, statement)
}

// existingRole tells whether provider.iam.role names a role instead of
// describing the one to make.
func existingRole(n *document.Node) bool {
	if n.IsScalar() {
		return true
	}
	for _, k := range n.Keys() {
		if k == "Ref" || strings.HasPrefix(k, "Fn::") {
			return true
		}
	}
	return false
}

// generateRoles decides which role every function runs as, and begins the
// roles that have to be made.
func (c *compiler) generateRoles() {
	conf := c.provider.Get("iam").Get("role")
	given := build.First(c.provider.Get("role"))
	if existingRole(conf) {
		given, conf = conf, nil
	}
	perFunction := conf.Get("mode").TextOr("") == "perFunction"
	for _, f := range c.functions {
		switch own := build.First(f.node.Get("role")); {
		case own != nil:
			c.giveRole(f, own)
		case perFunction || c.ownStatements(f) != nil || build.Given(f.node.Get("iam").Get("role")):
			f.role = c.functionRole(f, conf, perFunction)
		case given != nil:
			c.giveRole(f, given)
		default:
			if c.shared == nil {
				c.shared = c.newRole(roleID, c.at(c.provider), conf, nil)
			}
			f.role = c.shared
		}
		if f.role != nil {
			f.roleNode, f.roleID = build.GetAtt(f.pos, f.role.id, "Arn"), f.role.id
		}
	}
	for _, r := range c.roles {
		c.logStatements(r)
	}
	for _, r := range c.roles {
		c.userStatements(r, conf)
	}
}

// giveRole points a function at a role that exists: an ARN, a logical id or an
// intrinsic.
func (c *compiler) giveRole(f *function, n *document.Node) {
	f.roleNode = n
	switch {
	case n.IsScalar() && !isARN(n.Text):
		f.roleNode, f.roleID = build.GetAtt(n.Pos, n.Text, "Arn"), n.Text
	case n.Kind == document.Map:
		if s := n.Get("Fn::GetAtt").Strings(); len(s) > 0 {
			f.roleID, _, _ = strings.Cut(s[0], ".")
		}
	}
}

// ownStatements are a function's statements as serverless-iam-roles-per-function
// and version 4 of the framework write them; nil without any.
func (c *compiler) ownStatements(f *function) *document.Node {
	if c.plugins.rolePerFunction {
		if n := f.node.Get("iamRoleStatements"); n != nil {
			return n
		}
	}
	return build.UnlessNull(f.node.Get("iam").Get("role").Get("statements"))
}

// functionRole begins a role for one function. What it says about path,
// boundary and tags stands over what the service says.
func (c *compiler) functionRole(f *function, conf *document.Node, perFunction bool) *role {
	own := f.node.Get("iam").Get("role")
	name := build.First(f.node.Get("iamRoleStatementsName"), own.Get("name"))
	if name == nil {
		name = build.Join(f.pos, "-", c.service, c.Stage, f.key, build.Ref(f.pos, "AWS::Region"), "lambdaRole")
	}
	r := c.newRole(normalized(f.key)+roleID, f.pos, build.Overlay(conf, own), name)
	if perFunction {
		r.managed = append(r.managed, build.Items(conf.Get("managedPolicies"))...)
	}
	r.managed = append(r.managed, build.Items(own.Get("managedPolicies"))...)
	return r
}

// newRole begins a role by the settings conf.
func (c *compiler) newRole(id string, at diag.Position, conf, name *document.Node) *role {
	if name == nil {
		name = build.First(conf.Get("name"))
	}
	if name == nil {
		name = build.Join(at, "-", c.service, c.Stage, build.Ref(at, "AWS::Region"), "lambdaRole")
	}
	r := &role{id: id, pos: at}
	r.properties = build.Object(at,
		"Path", build.OrText(conf.Get("path"), "/", at),
		"RoleName", name,
		"Tags", c.tagList(at, conf.Get("tags")),
		"PermissionsBoundary", build.First(conf.Get("permissionsBoundary"), conf.Get("permissionBoundary"), c.provider.Get("rolePermissionsBoundary")),
	)
	c.roles = append(c.roles, r)
	return r
}

// logStatements let the functions of a role write their logs. Functions named
// the usual way share one pattern.
func (c *compiler) logStatements(r *role) {
	prefix := c.service + "-" + c.Stage
	var create, put []any
	var denied []any
	common := false
	group := func(name, tail string) *document.Node {
		return build.Sub(r.pos, "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/lambda/"+name+tail)
	}
	for _, f := range c.functions {
		if f.role != r {
			continue
		}
		usual, off := strings.HasPrefix(f.name, prefix), build.Given(f.node.Get("disableLogs"))
		switch {
		case usual && off:
			denied = append(denied, group(f.name, ":*"))
		case usual:
			common = true
		case !off:
			create, put = append(create, group(f.name, ":*")), append(put, group(f.name, ":*:*"))
		}
	}
	if common {
		create, put = append(create, group(prefix, "*:*")), append(put, group(prefix, "*:*:*"))
	}
	at := r.pos
	r.statements = append(r.statements,
		build.Object(at, "Effect", "Allow", "Action", build.Texts(at, []string{"logs:CreateLogStream", "logs:CreateLogGroup", "logs:TagResource"}), "Resource", build.List(at, create...)),
		build.Object(at, "Effect", "Allow", "Action", build.Texts(at, []string{"logs:PutLogEvents"}), "Resource", build.List(at, put...)))
	if common && denied != nil {
		r.statements = append(r.statements, build.Object(at, "Effect", "Deny", "Action", "logs:PutLogEvents", "Resource", build.List(at, denied...)))
	}
}

// userStatements add the statements and policies that the service gives.
func (c *compiler) userStatements(r *role, conf *document.Node) {
	shared := conf.Get("statements")
	if shared.IsNull() {
		shared = c.provider.Get("iamRoleStatements")
	}
	if r == c.shared {
		r.statements = append(r.statements, build.Items(shared)...)
		if p := conf.Get("managedPolicies"); !p.IsNull() {
			r.managed = append(r.managed, build.Items(p)...)
		} else {
			r.managed = append(r.managed, build.Items(c.provider.Get("iamManagedPolicies"))...)
		}
	}
	vpc := !c.provider.Get("vpc").IsNull()
	for _, f := range c.functions {
		if f.role != r {
			continue
		}
		vpc = vpc || f.node.Member("vpc") != nil
		if r == c.shared {
			continue
		}
		if c.inherits(f, conf) {
			r.statements = append(r.statements, build.Items(shared)...)
		}
		r.statements = append(r.statements, build.Items(c.ownStatements(f))...)
	}
	if vpc {
		r.managed = append(r.managed, build.Join(r.pos, "", "arn:", build.Ref(r.pos, "AWS::Partition"), ":iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"))
	}
}

// inherits tells whether a role of a function's own begins with the service's
// statements: asked for with the plug-in, usual in perFunction mode.
func (c *compiler) inherits(f *function, conf *document.Node) bool {
	if n := f.node.Get("iam").Get("inheritStatements"); !n.IsNull() {
		return n.TruthOr(true)
	}
	if n := f.node.Get("iamRoleStatementsInherit"); !n.IsNull() {
		return n.TruthOr(false)
	}
	if n := c.cfg.Get("custom").Get("serverless-iam-roles-per-function").Get("defaultInherit"); !n.IsNull() {
		return n.TruthOr(false)
	}
	return conf.Get("mode").TextOr("") == "perFunction"
}

// finishRoles writes the roles' resources, now that everything has asked.
func (c *compiler) finishRoles() {
	for _, r := range c.roles {
		at := r.pos
		who := build.List(at, "lambda.amazonaws.com")
		if r.scheduler {
			who = build.List(at, "lambda.amazonaws.com", "scheduler.amazonaws.com")
		}
		statements := build.List(at)
		statements.Items = append(statements.Items, r.statements...)
		p := build.Object(at,
			"AssumeRolePolicyDocument", build.Object(at, "Version", "2012-10-17", "Statement", build.List(at, build.Object(at,
				"Effect", "Allow", "Principal", build.Object(at, "Service", who), "Action", build.List(at, "sts:AssumeRole")))),
			"Policies", build.List(at, build.Object(at,
				"PolicyName", build.Join(at, "-", c.service, c.Stage, "lambda"),
				"PolicyDocument", build.Object(at, "Version", "2012-10-17", "Statement", statements))))
		if len(r.managed) > 0 {
			managed := build.List(at)
			managed.Items = append(managed.Items, r.managed...)
			p.Set("ManagedPolicyArns", managed)
		}
		c.add(at, r.id, "AWS::IAM::Role", build.Overlay(p, r.properties))
	}
}
