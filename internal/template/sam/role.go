package sam

import (
	"strconv"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// role is the execution role SAM makes for a function without one.
type role struct {
	id       string
	managed  *document.Node // ManagedPolicyArns
	policies *document.Node // Policies
}

// serviceRolePolicies are AWS's managed policies under the path service-role
// that functions use; all others stand directly under policy/.
var serviceRolePolicies = map[string]bool{
	"AWSLambdaBasicExecutionRole": true, "AWSLambdaVPCAccessExecutionRole": true, "AWSLambdaKinesisExecutionRole": true,
	"AWSLambdaDynamoDBExecutionRole": true, "AWSLambdaSQSQueueExecutionRole": true, "AWSLambdaMSKExecutionRole": true,
	"AWSLambdaENIManagementAccess": true, "AWSLambdaRole": true, "AmazonAPIGatewayPushToCloudWatchLogs": true,
	"AWSAppSyncPushToCloudWatchLogs": true, "AWSCodeDeployRoleForLambda": true, "AWSBatchServiceRole": true,
	"AmazonSNSRole": true, "AWSConfigRulesExecutionRole": true,
}

// managedPolicy is the ARN of one of AWS's managed policies.
func managedPolicy(name string, at diag.Position) *document.Node {
	path := "policy/"
	if serviceRolePolicies[name] {
		path += "service-role/"
	}
	return sub("arn:${AWS::Partition}:iam::aws:"+path+name, at, nil)
}

// role chooses the function's role: the given one, or a made {Id}Role.
func (f *function) role(props *document.Node) {
	id := f.id + "Role"
	made := getAtt(id, "Arn", f.pos)
	given := f.props.Get("Role")
	if given.IsNull() {
		given = made
	} else if given = orMade(given, made); given == f.props.Get("Role") {
		props.Set("Role", given)
		return
	}
	props.Set("Role", given)
	f.made = &role{id: id, managed: document.Seq(f.pos), policies: document.Seq(f.pos)}
	f.manage("AWSLambdaBasicExecutionRole")
	if mode := f.props.Get("Tracing"); mode.TextOr("") == "Active" {
		f.manage("AWSXrayWriteOnlyAccess")
	}
	if !f.props.Get("VpcConfig").IsNull() {
		f.manage("AWSLambdaVPCAccessExecutionRole")
	}
	if q := f.props.Get("DeadLetterQueue"); !q.IsNull() {
		action := "sqs:SendMessage"
		if q.Get("Type").TextOr("") == "SNS" {
			action = "sns:Publish"
		}
		f.grant("DeadLetterQueuePolicy", action, q.Get("TargetArn"))
		doc := f.made.policies.Items[len(f.made.policies.Items)-1].Get("PolicyDocument")
		doc.Set("Version", text("2012-10-17", f.pos))
	}
}

// orMade puts the made role in place of AWS::NoValue in
// {"Fn::If": [HasRole, given, AWS::NoValue]}; anything else is returned as it
// is. SAM makes the role only under the opposite condition; here it is always
// there, which nothing notices.
func orMade(given, made *document.Node) *document.Node {
	parts, ok := ifBranches(given)
	if !ok || refName(parts[1]) != "AWS::NoValue" && refName(parts[2]) != "AWS::NoValue" {
		return given
	}
	choice := document.Seq(given.Pos, parts[0])
	for _, p := range parts[1:] {
		if refName(p) == "AWS::NoValue" {
			p = made
		}
		choice.Items = append(choice.Items, p)
	}
	return object(given.Pos, "Fn::If", choice)
}

// manage gives the made role one of AWS's managed policies.
func (f *function) manage(name string) {
	if f.made == nil {
		return
	}
	arn := managedPolicy(name, f.pos)
	for _, it := range f.made.managed.Items {
		if it.Equal(arn) {
			return
		}
	}
	f.made.managed.Items = append(f.made.managed.Items, arn)
}

// grant gives the made role one action on one resource.
func (f *function) grant(name, action string, resource *document.Node) {
	if f.made == nil {
		return
	}
	s := object(f.pos, "Action", text(action, f.pos)).
		Set("Effect", text("Allow", f.pos)).Set("Resource", resource)
	f.policy(name, object(f.pos, "Statement", document.Seq(f.pos, s)))
}

func (f *function) policy(name string, doc *document.Node) {
	entry := object(doc.Pos, "PolicyName", text(name, doc.Pos)).Set("PolicyDocument", doc)
	f.made.policies.Items = append(f.made.policies.Items, entry)
}

// finishRole adds what Policies says and makes the role. It comes after the
// events, which add to the role too.
func (f *function) finishRole() {
	if f.made == nil {
		return
	}
	for i, p := range policyList(f.props.Get("Policies")) {
		f.addPolicy(p, f.id+"RolePolicy"+strconv.Itoa(i))
	}
	assume := f.props.Get("AssumeRolePolicyDocument")
	if assume.IsNull() {
		assume = trust("lambda.amazonaws.com", f.pos)
	}
	props := object(f.pos, "AssumeRolePolicyDocument", assume).
		Set("ManagedPolicyArns", f.made.managed)
	if path := f.props.Get("RolePath"); !path.IsNull() {
		props.Set("Path", path)
	}
	if len(f.made.policies.Items) > 0 {
		props.Set("Policies", f.made.policies)
	}
	f.copy(props, "PermissionsBoundary")
	f.add(f.made.id, "AWS::IAM::Role", props.Set("Tags", f.tags("lambda:createdBy")))
}

// trust lets an AWS service take a role.
func trust(service string, at diag.Position) *document.Node {
	s := object(at, "Action", list(at, "sts:AssumeRole")).
		Set("Effect", text("Allow", at)).
		Set("Principal", object(at, "Service", list(at, service)))
	return object(at, "Version", text("2012-10-17", at)).Set("Statement", document.Seq(at, s))
}

// policyList is Policies as a list: one entry may stand alone.
func policyList(n *document.Node) []*document.Node {
	if n.IsNull() {
		return nil
	}
	if n.Kind == document.List {
		return n.Items
	}
	return []*document.Node{n}
}

// addPolicy adds one entry of Policies: the name or ARN of a managed policy,
// a policy document, or a SAM policy template.
func (f *function) addPolicy(p *document.Node, name string) {
	if s, ok := p.Scalar(); ok {
		arn := p
		if !strings.HasPrefix(s, "arn:") {
			arn = managedPolicy(s, p.Pos)
			if policyTemplates[s].grants != nil {
				f.errorf(p, "Policies", "%s is a policy template and takes parameters", s).WithHint("write %s: {...}", s)
				return
			}
		}
		f.made.managed.Items = append(f.made.managed.Items, arn)
		return
	}
	if refName(p) == "AWS::NoValue" {
		return
	}
	if parts, ok := ifBranches(p); ok {
		f.conditionalPolicy(p, parts, name)
		return
	}
	if intrinsic(p) {
		f.made.managed.Items = append(f.made.managed.Items, p)
		return
	}
	if doc := f.policyDocument(p); doc != nil {
		f.policy(name, doc)
	}
}

// conditionalPolicy adds Fn::If between two entries: managed policies stay a
// choice of ARNs, documents a choice of documents.
func (f *function) conditionalPolicy(p *document.Node, parts []*document.Node, name string) {
	convert := func(n *document.Node) (managed, doc *document.Node) {
		switch s, ok := n.Scalar(); {
		case ok && !strings.HasPrefix(s, "arn:"):
			return managedPolicy(s, n.Pos), nil
		case ok:
			return n, nil
		case refName(n) == "AWS::NoValue":
			return nil, nil
		case intrinsic(n):
			return n, nil
		}
		return nil, f.policyDocument(n)
	}
	nothing := ref("AWS::NoValue", p.Pos)
	choose := func(a, b *document.Node) *document.Node {
		if a == nil {
			a = nothing
		}
		if b == nil {
			b = nothing
		}
		return object(p.Pos, "Fn::If", document.Seq(p.Pos, parts[0], a, b))
	}
	m1, d1 := convert(parts[1])
	m2, d2 := convert(parts[2])
	if m1 != nil || m2 != nil {
		f.made.managed.Items = append(f.made.managed.Items, choose(m1, m2))
	}
	if d1 != nil || d2 != nil {
		entry := func(doc *document.Node) *document.Node {
			if doc == nil {
				return nil
			}
			return object(doc.Pos, "PolicyName", text(name, doc.Pos)).Set("PolicyDocument", doc)
		}
		f.made.policies.Items = append(f.made.policies.Items, choose(entry(d1), entry(d2)))
	}
}

// policyDocument is a policy document for an object in Policies, nil when it
// is not one.
func (f *function) policyDocument(p *document.Node) *document.Node {
	if p.IsNull() || p.Kind != document.Map {
		f.errorf(p, "Policies", "a policy is a name, an ARN, a document or a policy template")
		return nil
	}
	if st := p.Get("Statement"); !st.IsNull() {
		if st.Kind == document.Map && !intrinsic(st) {
			st = document.Seq(st.Pos, st)
		}
		doc := document.Object(p.Pos)
		for _, m := range p.Members {
			if m.Key != "Statement" {
				doc.Members = append(doc.Members, m)
			}
		}
		return doc.Set("Statement", st)
	}
	if len(p.Members) != 1 {
		f.errorf(p, "Policies", "the policy has no Statement")
		return nil
	}
	name := p.Members[0].Key
	template, known := policyTemplates[name]
	if !known {
		f.t.msgs.Add(diag.Errorf(p.Members[0].KeyPos, f.key("Policies"), "SAM has no policy template %q", name).
			WithHint("%s", diag.DidYouMean(name, policyTemplateNames())))
		return nil
	}
	return template.document(f, name, &p.Members[0])
}
