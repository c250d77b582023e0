package config

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What a value in `custom` becomes, read through an output.
var sourceCases = []struct {
	name, value string
	o           Options
	want        string // JSON of the value, or a part of the messages
}{
	{"stage of the file", `${sls:stage}`, Options{}, `"qa"`},
	{"stage of the command line", `${sls:stage}`, Options{Stage: "prod"}, `"prod"`},
	{"the file's stage stays what it says", `${self:provider.stage}`, Options{Stage: "prod"}, `"qa"`},
	{"opt", `${opt:name, 'none'}`, Options{CLI: map[string]string{"name": "given"}}, `"given"`},
	{"opt with fallback", `${opt:name, 'none'}`, Options{}, `"none"`},
	{"opt:stage is the command line's", `${opt:stage, 'none'}`, Options{Stage: "prod"}, `"prod"`},
	{"opt:stage without a fallback is the stage in use", `${opt:stage}`, Options{}, `"qa"`},
	{"opt:region without a fallback is the region in use", `${opt:region}`, Options{}, `"eu-north-1"`},
	{"the region in use, where the environment has none", `${env:AWS_DEFAULT_REGION}`, Options{Region: "eu-west-3"}, `"eu-west-3"`},
	{"the provider's region, where the environment has none", `${env:AWS_REGION}`, Options{}, `"eu-north-1"`},
	{"a fallback for the region", `${env:AWS_REGION, 'ap-south-1'}`, Options{}, `"ap-south-1"`},
	{"opt with a local value", `${opt:name}`, Options{Outputs: map[string]string{"opt:name": "v"}}, `"v"`},
	{"opt without a fallback", `${opt:name}`, Options{}, "the option --name is not given"},
	{"all options", `${opt:}`, Options{Stage: "p", CLI: map[string]string{"b": "1", "a": "2"}}, `{"a":"2","b":"1","stage":"p"}`},
	{"env", `${env:FROM_PROCESS}`, Options{}, `"process"`},
	{"env of .env", `${env:FROM_FILE}`, Options{}, `"file process"`},
	{"env of the stage's .env", `${env:FROM_STAGE}`, Options{}, `"qa file"`},
	{"the process wins over .env", `${env:BOTH}`, Options{}, `"process"`},
	{"missing env", `${env:NOPE}`, Options{}, "set NOPE in the environment, or in "},
	{"param of the command line", `${param:size}`, Options{Params: map[string]string{"size": "9"}}, `"9"`},
	{"param of the stage", `${param:size}`, Options{}, `2`},
	{"param of the default stage", `${param:kind}`, Options{}, `"d"`},
	{"param of the older form", `${param:old}`, Options{}, `"qa-old"`},
	{"param of the older default", `${param:older}`, Options{}, `"x"`},
	{"missing param", `${param:none}`, Options{}, `stage "qa" has no parameter "none" (give --param none=value`},
	{"account", `${aws:accountId}`, Options{AccountID: "123456789012"}, `"123456789012"`},
	{"default account", `${aws:accountId}`, Options{}, `"000000000000"`},
	{"region", `${aws:region}`, Options{}, `"eu-north-1"`},
	{"region of the command line", `${aws:region}`, Options{Region: "us-gov-west-1"}, `"us-gov-west-1"`},
	{"partition", `${aws:partition}`, Options{Region: "cn-north-1"}, `"aws-cn"`},
	{"unknown aws", `${aws:vpc}`, Options{}, `aws knows accountId, region and partition, not "vpc"`},
	{"unknown sls", `${sls:x}`, Options{}, `sls knows stage and instanceId, not "x"`},
	{"strToBool", `${strToBool(${env:FROM_FLAG})}`, Options{}, `true`},
	{"strToBool of something else", `${strToBool(maybe)}`, Options{}, `"maybe" is neither true, false, 1 nor 0`},
	{"yaml file", `${file(./more.yml):a.b}`, Options{}, `[1,2]`},
	{"whole yaml file with variables in it", `${file(./more.yml)}`, Options{}, `{"a":{"b":[1,2]},"s":"qa"}`},
	{"file named by a variable", `${file(./${sls:stage}.json):x}`, Options{}, `true`},
	{"text file", `${file(note.txt)}`, Options{}, `"a note\n"`},
	{"missing file", `${file(none.yml):a}`, Options{}, "the file none.yml does not exist"},
	{"missing file with fallback", `${file(none.yml):a, 'x'}`, Options{}, `"x"`},
	{"broken file", `${file(broken.yml)}`, Options{}, "broken.yml:"},
	{"stack output", `${cf:net-qa.VpcId}`, Options{Outputs: map[string]string{"cf:net-qa.VpcId": "vpc-1"}}, `"vpc-1"`},
	{"stack output of another region", `${cf(us-west-2):net.VpcId}`, Options{Outputs: map[string]string{"cf:net.VpcId": "v"}}, `"v"`},
	{"exactly that region", `${cf(us-west-2):net.VpcId}`, Options{Outputs: map[string]string{"cf:net.VpcId": "v", "cf(us-west-2):net.VpcId": "w"}}, `"w"`},
	{"parameter with options", `${ssm(us-east-1, raw):/a/b}`, Options{Outputs: map[string]string{"ssm:/a/b": `{"k": [1]}`}}, `{"k":[1]}`},
	{"stack output without a value", `${cf:net.VpcId}`, Options{}, `${cf:net.VpcId} has no value: it lives outside this machine (give a local value in suiro.yaml: variables: {"cf:net.VpcId": value})`},
	{"the own stack's endpoint of sockets", `${cf:s-qa.ServiceEndpointWebsocket}`, Options{}, `{"Fn::Join":["",["wss://",{"Ref":"WebsocketsApi"},".execute-api.",{"Ref":"AWS::Region"},".",{"Ref":"AWS::URLSuffix"},"/qa"]]}`},
	{"that of another stack", `${cf:t-qa.ServiceEndpointWebsocket}`, Options{}, `it lives outside this machine`},
	{"the own one with a local value", `${cf:s-qa.ServiceEndpointWebsocket}`, Options{Outputs: map[string]string{"cf:s-qa.ServiceEndpointWebsocket": "wss://x"}}, `"wss://x"`},
	{"stack output with a fallback", `${cf:net.VpcId, 'none'}`, Options{}, `"none"`},
	{"bucket object", `${s3:b/k.json}`, Options{}, `variables: {"s3:b/k.json": value}`},
	{"compose output", `${output:other.key}`, Options{}, `variables: {"output:other.key": value}`},
	{"a custom resolver", `${store:key}`, Options{}, `variables: {"store:key": value}`},
	{"an unknown source", `${nope:key}`, Options{}, `there is no variable source "nope"`},
	{"git of something unknown", `${git:colour}`, Options{}, `git does not know "colour"`},
}

func TestSources(t *testing.T) {
	for _, c := range sourceCases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "serverless.yml", `service: s
frameworkVersion: '4'
provider: {name: aws, stage: qa, region: eu-north-1}
params: {qa: {old: qa-old, size: 1}, default: {older: x}}
stages:
  qa: {params: {size: 2}, resolvers: {store: {type: vault}}}
  default: {params: {kind: d, size: 0}}
custom: {v: '`+c.value+`'}
`)
			if strings.Contains(c.value, "'") {
				data, _ := os.ReadFile(filepath.Join(dir, "serverless.yml"))
				write(t, dir, "serverless.yml", strings.Replace(string(data), "'"+c.value+"'", `"`+c.value+`"`, 1))
			}
			write(t, dir, ".env", "FROM_FILE=file ${FROM_PROCESS}\nBOTH=file\nFROM_STAGE=plain\n")
			write(t, dir, ".env.qa", "FROM_STAGE='qa file'\n")
			write(t, dir, "more.yml", "a: {b: [1, 2]}\ns: ${sls:stage}\n")
			write(t, dir, "qa.json", `{"x": true}`)
			write(t, dir, "note.txt", "a note\n")
			write(t, dir, "broken.yml", "a: [\n")
			c.o.Env = func(name string) (string, bool) {
				v, ok := map[string]string{"FROM_PROCESS": "process", "BOTH": "process", "FROM_FLAG": " True "}[name]
				return v, ok
			}
			svc, lines := read(t, dir, c.o)
			got := strings.Join(lines, "\n")
			if svc != nil {
				got = svc.Root.Get("custom").Get("v").JSON()
			}
			if svc != nil && got != c.want || svc == nil && !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestTheOwnStackMayHaveANameOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "serverless.yml", "service: s\nprovider: {name: aws, stackName: '${sls:stage}-x'}\ncustom: {v: '${cf:${self:provider.stackName}.ServiceEndpointWebsocket}'}\n")
	svc, lines := read(t, dir, Options{})
	if svc == nil || !strings.Contains(svc.Root.Get("custom").Get("v").JSON(), `"Ref":"WebsocketsApi"`) {
		t.Error(lines)
	}
}

func TestAFallbackOfAValueOnAWSIsSaid(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "serverless.yml", "service: s\nprovider: {name: aws}\ncustom: {v: \"${cf:a.B, 'x'}\"}\n")
	_, lines := read(t, dir, Options{})
	if len(lines) != 1 || !strings.HasPrefix(lines[0], "warning: serverless.yml:3:13: custom.v: ${cf:a.B} lives outside this machine") {
		t.Error(lines)
	}
}

func TestGitVariables(t *testing.T) {
	if testing.Short() {
		t.Skip("runs git")
	}
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	dir := t.TempDir()
	write(t, dir, "serverless.yml", "service: s\nprovider: {name: aws}\ncustom: {v: \"${git:branch} ${git:message} ${git:isDirty}\"}\n")
	for _, args := range [][]string{
		{"init", "-q", "-b", "trunk"}, {"add", "."},
		{"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "first"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	svc, lines := read(t, dir, Options{})
	if svc == nil {
		t.Fatal(lines)
	}
	if got := svc.Root.Get("custom").Get("v").Text; got != "trunk first false" {
		t.Error(got)
	}
}

// A variable without a value is one mistake, however often it is used.
func TestSameMistakeIsSaidOnce(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "serverless.yml", "service: s\nprovider: {name: aws}\ncustom: {a: '${env:NOPE_A}', b: '${env:NOPE_A}', c: 'x-${env:NOPE_A}', d: '${env:NOPE_B}'}\n")
	_, lines := read(t, dir, Options{})
	if len(lines) != 2 || !strings.Contains(lines[0], "custom.a") || !strings.Contains(lines[0], "(and in 2 more places)") || !strings.Contains(lines[1], "NOPE_B") {
		t.Errorf("%d messages: %q", len(lines), lines)
	}
}

// The region may be what names it.
func TestRegionOfTheEnvironmentThatSetsNone(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "serverless.yml", "service: s\nprovider: {name: aws, region: '${env:AWS_REGION}'}\n")
	svc, lines := read(t, dir, Options{Env: func(string) (string, bool) { return "", false }})
	if svc == nil || svc.Region != "us-east-1" {
		t.Error(lines)
	}
}
