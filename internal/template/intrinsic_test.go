package template

import (
	"strings"
	"testing"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
	"github.com/suiro-dev/suiro/internal/resource"
)

// world is the template around every value of intrinsicCases.
const world = `
Transform: AWS::LanguageExtensions
Parameters:
  Name: {Type: String, Default: room}
  Port: {Type: Number, Default: 8080}
  Zones: {Type: CommaDelimitedList, Default: "a, b ,c"}
  Empty: {Type: String, Default: ""}
  Attr: {Type: String, Default: Arn}
Mappings:
  Sizes:
    eu-west-1: {small: 128, zones: [x, y]}
    "012": {small: 1}
Conditions:
  Yes: !Equals [!Ref Name, room]
  No: !Not [!Condition Yes]
Resources:
  Table: {Type: AWS::DynamoDB::Table}
  Ghost: {Type: AWS::DynamoDB::Table, Condition: No}
  Subject:
    Type: Test::Subject
    Properties:
      V: `

// A value as written in YAML, and what it resolves to as JSON; "!" begins a
// message instead. Rows follow the CloudFormation user guide, "Intrinsic
// function reference".
var intrinsicCases = []struct{ name, in, want string }{
	{"text", "plain", `"plain"`},
	{"numbers stay as written", "[012, 1.50, 2010-09-09]", `["012",1.50,"2010-09-09"]`},
	{"ref to a resource", "!Ref Table", `"table"`},
	{"ref to a parameter", "!Ref Name", `"room"`},
	{"ref to a number is text", "!Ref Port", `"8080"`},
	{"ref to a list", "!Ref Zones", `["a","b","c"]`},
	{"region", "!Ref AWS::Region", `"eu-west-1"`},
	{"account", "!Ref AWS::AccountId", `"123456789012"`},
	{"partition", "!Ref AWS::Partition", `"aws"`},
	{"suffix", "!Ref AWS::URLSuffix", `"amazonaws.com"`},
	{"stack name", "!Ref AWS::StackName", `"chat"`},
	{"no notification topics", "!Ref AWS::NotificationARNs", `[]`},
	{"no value in an object", "{A: 1, B: !Ref AWS::NoValue}", `{"A":1}`},
	{"no value in a list", "[1, !Ref AWS::NoValue, 2]", `[1,2]`},
	{"ref to nothing", "!Ref Tabel", `!the template has no resource or parameter "Tabel" (did you mean Table?)`},
	{"ref to a false resource", "!Ref Ghost", `!"Ghost" is not created because its condition No is false`},
	{"pseudo parameter misspelt", "!Ref AWS::Regoin", `!the template has no resource or parameter "AWS::Regoin" (did you mean AWS::Region?)`},

	{"getatt", "!GetAtt Table.Arn", `"table/Arn"`},
	{"getatt as a list", "!GetAtt [Table, Arn]", `"table/Arn"`},
	{"getatt dotted in the long form", "{Fn::GetAtt: Table.Arn}", `"table/Arn"`},
	{"getatt nested", "!GetAtt Table.Outputs.Url", `"table/Outputs.Url"`},
	{"getatt in parts", "!GetAtt [Table, Endpoint, Address]", `"table/Endpoint.Address"`},
	{"getatt by parameter", "{Fn::GetAtt: [Table, !Ref Attr]}", `"table/Arn"`},
	{"getatt of a list", "!GetAtt Table.List", `["l0","l1"]`},
	{"getatt of nothing", "!GetAtt Tabble.Arn", `!the template has no resource "Tabble" (did you mean Table?)`},
	{"getatt of a parameter", "!GetAtt Name.Arn", `!"Name" is a parameter and has no attribute "Arn" (use Ref or ${Name})`},
	{"getatt unknown attribute", "!GetAtt Table.Nothing", `!Table (AWS::DynamoDB::Table) has no attribute "Nothing"`},
	{"getatt without attribute", "{Fn::GetAtt: [Table]}", `!Fn::GetAtt takes a resource and an attribute`},

	{"sub", "!Sub 'arn:${AWS::Partition}:x:${Table}/${Table.Arn}/${Name}'", `"arn:aws:x:table/table/Arn/room"`},
	{"sub literal", "!Sub '${!Name}-${Name}'", `"${Name}-room"`},
	{"sub number", "!Sub ':${Port}'", `":8080"`},
	{"sub with variables", "!Sub ['${A}${Name}', {A: !Join ['', [x, y]]}]", `"xyroom"`},
	{"sub variable hides", "!Sub ['${Name}', {Name: other}]", `"other"`},
	{"sub nested attribute", "!Sub '${Table.Outputs.Url}'", `"table/Outputs.Url"`},
	{"sub unclosed", "!Sub 'a ${b'", `"a ${b"`},
	{"sub dollar", "!Sub 'a $ {b} $${Name}'", `"a $ {b} $room"`},
	{"sub without text", "!Sub []", `!Fn::Sub takes a text, or a list of a text and an object of variables`},
	{"sub of a list", "!Sub '${Zones}'", `!${Zones} is not a text`},
	{"sub unknown", "!Sub '${Tabel.Arn}'", `!the template has no resource "Tabel" (did you mean Table?)`},
	{"sub bad name", "!Sub '${a b}'", `!${a b} is not a variable`},
	{"sub empty name", "!Sub '${}'", `!${} is not a variable`},

	{"join", "!Join ['/', [a, !Ref Table, 3, true]]", `"a/table/3/true"`},
	{"join a parameter", "!Join [',', !Ref Zones]", `"a,b,c"`},
	{"join skips no value", "!Join ['', [a, !Ref AWS::NoValue, b]]", `"ab"`},
	{"join nothing", "!Join [',', []]", `""`},
	{"join a text", "!Join [',', abc]", `!Fn::Join joins a list, not a string`},
	{"join lists", "!Join [',', [[a]]]", `!Fn::Join joins texts; one item is a list`},
	{"join one", "!Join [',']", `!Fn::Join takes a list of a delimiter and a list`},

	{"split", "!Split ['|', 'a|b|c']", `["a","b","c"]`},
	{"split without match", "!Split ['|', 'abc']", `["abc"]`},
	{"split by nothing", "!Split ['', 'abc']", `!the delimiter of Fn::Split is a text that is not empty`},
	{"select", "!Select [1, [a, b]]", `"b"`},
	{"select by text", "!Select ['0', !Ref Zones]", `"a"`},
	{"select of split", "!Select [2, !Split [':', 'a:b:c']]", `"c"`},
	{"select too far", "!Select [2, [a, b]]", `!Fn::Select asks for item 2 of a list of 2 (the first item is 0)`},
	{"select below", "!Select [-1, [a, b]]", `!Fn::Select asks for item -1 of a list of 2`},
	{"select of a text", "!Select [0, abc]", `!Fn::Select selects from a list, not from a string`},
	{"base64", "!Base64 hello", `"aGVsbG8="`},
	{"base64 of a list", "{Fn::Base64: [a]}", `!Fn::Base64 takes a text, not a list`},
	{"zones", "!GetAZs us-east-1", `["us-east-1a","us-east-1b","us-east-1c"]`},
	{"zones here", "!GetAZs ''", `["eu-west-1a","eu-west-1b","eu-west-1c"]`},
	{"import", "!ImportValue net", `"imported net"`},
	{"import computed", "{Fn::ImportValue: !Sub '${Name}-net'}", `"imported room-net"`},
	{"import nothing", "!ImportValue missing", `!no stack exports "missing"`},
	{"length", "{Fn::Length: !Ref Zones}", `3`},
	{"length of a text", "{Fn::Length: abc}", `!Fn::Length counts a list, not a string`},
	{"json string", "{Fn::ToJsonString: {a: [1, !Ref Name], b: !Ref AWS::NoValue}}", `"{\"a\":[1,\"room\"]}"`},

	{"if", "!If [Yes, a, b]", `"a"`},
	{"if not", "!If [No, a, b]", `"b"`},
	{"if keeps away from what is not made", "!If [No, !Ref Ghost, fine]", `"fine"`},
	{"if no value", "{A: !If [No, 1, !Ref AWS::NoValue]}", `{}`},
	{"if without such a condition", "!If [Yess, a, b]", `!the template has no condition "Yess" (did you mean Yes?)`},
	{"if with two", "!If [Yes, a]", `!Fn::If takes a list of a condition name and two values`},
	{"map", "!FindInMap [Sizes, !Ref AWS::Region, small]", `128`},
	{"map list", "!FindInMap [Sizes, eu-west-1, zones]", `["x","y"]`},
	{"map with a number as key", "!FindInMap [Sizes, 012, small]", `1`},
	{"map default", "!FindInMap [Sizes, us-east-1, small, {DefaultValue: 64}]", `64`},
	{"map without such a key", "!FindInMap [Sizes, eu-west-2, small]", `!the mapping Sizes has no key "eu-west-2" (did you mean eu-west-1?)`},
	{"map without such a second key", "!FindInMap [Sizes, eu-west-1, smal]", `!the mapping Sizes.eu-west-1 has no key "smal" (did you mean small?)`},
	{"no such map", "!FindInMap [Size, a, b]", `!the template has no mapping "Size" (did you mean Sizes?)`},
	{"map by a resource", "!FindInMap [Sizes, !Ref Table, small]", `!"Table" is a resource; only parameters and mappings may be referred to here`},

	{"cidr", "!Cidr [10.0.0.0/16, 3, 8]", `["10.0.0.0/24","10.0.1.0/24","10.0.2.0/24"]`},
	{"cidr default bits", "{Fn::Cidr: [192.168.0.0/22, 4]}", `["192.168.0.0/24","192.168.1.0/24","192.168.2.0/24","192.168.3.0/24"]`},
	{"cidr IPv6", "!Cidr ['2001:db8::/56', 2, 64]", `["2001:db8::/64","2001:db8:0:1::/64"]`},
	{"cidr too many", "!Cidr [10.0.0.0/24, 3, 7]", `!10.0.0.0/24 does not hold 3 parts of 7 bits`},
	{"cidr of a text", "!Cidr [abc, 3, 7]", `!"abc" is not a block of addresses`},

	{"dynamic reference", "'{{resolve:ssm:/app/key:3}}'", `"<ssm /app/key:3>"`},
	{"dynamic reference inside", "!Sub 'x-{{resolve:secretsmanager:${Name}:SecretString:pw}}-y'", `"x-<secretsmanager room:SecretString:pw>-y"`},
	{"two dynamic references", "'{{resolve:ssm:a}}{{resolve:ssm-secure:b:1}}'", `"<ssm a><ssm-secure b:1>"`},
	{"dynamic reference put together", "!Join ['', ['{{resolve:ss', 'm:a}}']]", `"<ssm a>"`},
	{"dynamic reference unclosed", "'{{resolve:ssm:a'", `"{{resolve:ssm:a"`},
	{"dynamic reference to nothing", "'{{resolve:ssm:missing}}'", `!the parameter store has no parameter "missing"`},
	{"dynamic reference to another service", "'{{resolve:dynamodb:a}}'", `!a dynamic reference is to ssm, ssm-secure or secretsmanager, not to "dynamodb"`},

	{"include", "{Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://b/k}}}", `!AWS::Include reads a file from S3`},
	{"macro", "{Fn::Transform: {Name: Mine}}", `!the macro "Mine" does not run on this machine`},
	{"unknown function", "{Fn::Jion: [a, b]}", `!CloudFormation has no function Fn::Jion (did you mean Fn::Join?)`},
	{"function beside a key", "{Fn::Join: ['', [a]], B: 1}", `!Fn::Join stands beside other keys`},
	{"Condition is an ordinary key", "{Condition: {Bool: {x: true}}}", `{"Condition":{"Bool":{"x":true}}}`},
	{"Ref is an ordinary key among others", "{Ref: Table, X: 1}", `{"Ref":"Table","X":1}`},
}

func TestIntrinsics(t *testing.T) {
	for _, c := range intrinsicCases {
		t.Run(c.name, func(t *testing.T) {
			v, msgs := resolveIn(world+c.in, testEnv{})
			if want, isMessage := strings.CutPrefix(c.want, "!"); isMessage {
				if !msgs.HasErrors() || !strings.Contains(msgs.Error(), want) {
					t.Fatalf("got %s and %q\nwant the message %q", v.JSON(), msgs.Error(), want)
				}
				for _, m := range msgs {
					if m.Position.Line != strings.Count(world, "\n")+1 || m.Position.Column == 0 || m.Key != "Subject.V" && !strings.HasPrefix(m.Key, "Subject.V.") {
						t.Errorf("the message %q stands at %s with key %q", m.Text, m.Position, m.Key)
					}
				}
				return
			}
			if msgs.HasErrors() || v.JSON() != c.want {
				t.Errorf("got  %s %q\nwant %s", v.JSON(), msgs.Error(), c.want)
			}
		})
	}
}

// resolveIn returns property V of the resource Subject.
func resolveIn(in string, env Env) (*document.Node, diag.List) {
	root, msgs := document.Parse("t.yaml", []byte(in))
	if root == nil {
		return nil, msgs
	}
	tpl, more := New(root, ".")
	msgs.Add(more...)
	b, more := tpl.Bind(testStack, nil, env)
	msgs.Add(more...)
	if msgs.HasErrors() {
		return nil, msgs
	}
	for _, r := range b.Resources() {
		if r.LogicalID == "Subject" {
			v, more := b.Resolve(r.Properties)
			msgs.Add(more...)
			return v.Get("V"), msgs
		}
	}
	return nil, msgs
}

func TestUnknownValuesTravelThroughFunctions(t *testing.T) {
	for _, in := range []string{
		"!Ref Table", "!GetAtt Table.Arn", "!Sub 'x${Table}'", "!Join ['', [a, !Ref Table]]",
		"!Select [3, !Split ['/', !GetAtt Table.StreamArn]]", "!Select [0, !GetAtt Table.List]",
		"!Base64 {Ref: Table}", "{Fn::ToJsonString: {a: !Ref Table}}", "{Fn::Length: !GetAtt Table.List}",
		"!ImportValue net", "!ImportValue {Ref: Table}", "'{{resolve:ssm:a}}'", "!Cidr [!GetAtt Table.Block, 2, 8]",
		"!Join [',', !GetAtt Table.List]",
	} {
		v, msgs := resolveIn(world+in, nil)
		if msgs.HasErrors() || !resource.Unknown(v) {
			t.Errorf("%s gives %q, %q", in, v.JSON(), msgs.Error())
		}
	}
}
