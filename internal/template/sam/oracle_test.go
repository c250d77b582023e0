package sam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/suiro-dev/suiro/internal/document"
)

// TestAgainstTheTranslator compares what Transform makes with what AWS's own
// translator makes of the same template: logical ids, types, conditions and
// properties, and the routes that it writes into OpenAPI documents.
func TestAgainstTheTranslator(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Python for every template; -short")
	}
	if out, err := exec.Command("python3", "-c", "import samtranslator, boto3").CombinedOutput(); err != nil {
		t.Skipf("the Python package aws-sam-translator is not installed: %s", bytes.TrimSpace(out))
	}
	files, _ := filepath.Glob("testdata/oracle/*.yaml")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			want := translatorSays(t, file)
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			root, msgs := document.Parse(file, data)
			out, more := Transform(root, "testdata", nil)
			if msgs = append(msgs, more...); msgs.HasErrors() {
				t.Fatal(msgs.Error())
			}
			var got map[string]any
			decode(t, []byte(out.JSON()), &got)
			compare(t, want, got)
		})
	}
}

func translatorSays(t *testing.T, file string) map[string]any {
	var stderr bytes.Buffer
	cmd := exec.Command("python3", "testdata/oracle/translate.py", file)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	// The translator may log to stdout before the template.
	if i := bytes.IndexByte(out, '{'); i > 0 {
		out = out[i:]
	}
	var v map[string]any
	decode(t, out, &v)
	return v
}

// digests are the hashes in logical ids of versions, deployments and layers.
var digests = regexp.MustCompile(`([A-Za-z0-9]+(?:Version|Deployment))[0-9a-f]{10}\b`)

func decode(t *testing.T, data []byte, v *map[string]any) {
	data = digests.ReplaceAll(data, []byte("$1"))
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
	// Layers carry a digest with no word before it.
	for id, r := range resourcesIn(*v) {
		if typeOf(r) == "AWS::Lambda::LayerVersion" && len(id) > 10 && regexp.MustCompile(`[0-9a-f]{10}$`).MatchString(id) {
			data = bytes.ReplaceAll(data, []byte(`"`+id+`"`), []byte(`"`+id[:len(id)-10]+`"`))
		}
	}
	*v = nil
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

func resourcesIn(template map[string]any) map[string]any {
	r, _ := template["Resources"].(map[string]any)
	return r
}

func typeOf(r any) string {
	s, _ := r.(map[string]any)["Type"].(string)
	return s
}

// routeTypes are what only we make: the translator writes a Body instead.
var routeTypes = []string{
	"AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Authorizer",
	"AWS::ApiGateway::Resource", "AWS::ApiGateway::Method", "AWS::ApiGateway::Authorizer", "AWS::ApiGateway::GatewayResponse",
}

func compare(t *testing.T, want, got map[string]any) {
	theirs, ours := resourcesIn(want), resourcesIn(got)
	for id, w := range theirs {
		g, ok := ours[id]
		if !ok {
			t.Errorf("we make no %s (%s)", id, typeOf(w))
			continue
		}
		if d := cmp.Diff(comparable(w), comparable(g)); d != "" {
			t.Errorf("%s: -translator +us\n%s", id, d)
		}
		if body := bodyOf(w); body != nil {
			if d := cmp.Diff(documentRoutes(body), ourRoutes(id, ours)); d != "" {
				t.Errorf("routes of %s: -translator +us\n%s", id, d)
			}
		}
	}
	for id, g := range ours {
		if _, ok := theirs[id]; !ok && !slices.Contains(routeTypes, typeOf(g)) {
			t.Errorf("we make %s (%s), the translator does not", id, typeOf(g))
		}
	}
	if d := cmp.Diff(plainValue(want["Outputs"]), plainValue(got["Outputs"])); d != "" {
		t.Errorf("outputs: -translator +us\n%s", d)
	}
}

// comparable is the part of a resource that must be the same.
func comparable(r any) map[string]any {
	m := r.(map[string]any)
	out := map[string]any{"Type": m["Type"], "Condition": m["Condition"], "DeletionPolicy": m["DeletionPolicy"]}
	props, _ := plainValue(m["Properties"]).(map[string]any)
	if props == nil {
		props = map[string]any{}
	}
	switch m["Type"] {
	case "AWS::ApiGatewayV2::Api":
		if props["ProtocolType"] != "WEBSOCKET" {
			props = nil // the rest is in the Body
		}
	case "AWS::ApiGateway::RestApi":
		props = map[string]any{"EndpointConfiguration": props["EndpointConfiguration"]}
	case "AWS::ApiGateway::Deployment":
		props = map[string]any{"RestApiId": props["RestApiId"]}
	case "AWS::S3::Bucket":
		delete(props, "Tags") // the translator ties the permission in through one
	case "AWS::IAM::Role":
		props["Policies"] = documentsOf(props["Policies"])
		props["ManagedPolicyArns"] = sorted(props["ManagedPolicyArns"])
	}
	if tags, ok := props["Tags"]; ok {
		props["Tags"] = sorted(tags)
	}
	if len(props) > 0 {
		out["Properties"] = props
	}
	return out
}

// documentsOf drops the names of a role's policies, which count differently.
func documentsOf(v any) any {
	list, _ := v.([]any)
	var docs []any
	for _, p := range list {
		if m, ok := p.(map[string]any); ok && m["PolicyDocument"] != nil {
			p = m["PolicyDocument"]
		}
		docs = append(docs, withoutNames(p))
	}
	return sorted(docs)
}

func withoutNames(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if k != "PolicyName" {
				out[k] = withoutNames(e)
			}
		}
		return out
	case []any:
		for i := range v {
			v[i] = withoutNames(v[i])
		}
	}
	return v
}

func sorted(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	sort.Slice(list, func(i, j int) bool { return fmt.Sprint(list[i]) < fmt.Sprint(list[j]) })
	return list
}

// plainValue writes Fn::Sub out as far as it goes, numbers as text and lists
// of one as their item, so that only differences that mean something remain.
func plainValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if s, ok := v["Fn::Sub"]; ok && len(v) == 1 {
			var whole any
			if text := subText(s); json.Unmarshal([]byte(text), &whole) == nil {
				return whole // a single variable
			} else {
				return text
			}
		}
		out := map[string]any{}
		for k, e := range v {
			out[k] = plainValue(e)
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, plainValue(e))
		}
		if len(out) == 1 {
			return out[0]
		}
		return out
	case float64, bool:
		return fmt.Sprint(v)
	}
	return v
}

func subText(v any) string {
	s, _ := v.(string)
	if list, ok := v.([]any); ok {
		s = list[0].(string)
		for name, value := range list[1].(map[string]any) {
			text, ok := value.(string)
			if !ok {
				b, _ := json.Marshal(plainValue(value))
				text = string(b)
			}
			s = strings.ReplaceAll(s, "${"+name+"}", text)
		}
	}
	return strings.ReplaceAll(s, "${AWS::Partition}", "aws")
}

func bodyOf(r any) map[string]any {
	props, _ := r.(map[string]any)["Properties"].(map[string]any)
	body, _ := props["Body"].(map[string]any)
	return body
}

// unwrapped looks through {"Fn::If": [condition, value, nothing]}.
func unwrapped(v any) map[string]any {
	m, _ := v.(map[string]any)
	if parts, ok := m["Fn::If"].([]any); ok {
		return unwrapped(parts[1])
	}
	return m
}

// documentRoutes lists "GET /path payload timeout authorizer" of a Body.
func documentRoutes(body map[string]any) []string {
	var out []string
	paths, _ := body["paths"].(map[string]any)
	for path, p := range paths {
		for method, o := range unwrapped(p) {
			op := unwrapped(o)
			x := unwrapped(op["x-amazon-apigateway-integration"])
			key := strings.ToUpper(method) + " " + path
			key = strings.Replace(key, "X-AMAZON-APIGATEWAY-ANY-METHOD", "ANY", 1)
			if path == "$default" {
				key = path
			}
			if x["type"] == "mock" {
				out = append(out, key+" MOCK")
				continue
			}
			secured := ""
			list, _ := op["security"].([]any)
			for _, s := range list {
				for name := range s.(map[string]any) {
					if name != "NONE" && name != "api_key" {
						secured = name
					}
				}
			}
			out = append(out, strings.TrimSpace(fmt.Sprint(key, " ", orEmpty(x["payloadFormatVersion"]), " ", orEmpty(x["timeoutInMillis"]), " ", secured)))
		}
	}
	sort.Strings(out)
	return out
}

func orEmpty(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// ourRoutes lists the same of the Route and Method resources of an API.
func ourRoutes(api string, ours map[string]any) []string {
	get := func(id string) map[string]any {
		props, _ := ours[id].(map[string]any)["Properties"].(map[string]any)
		return props
	}
	refOf := func(v any) string {
		s, _ := v.(map[string]any)["Ref"].(string)
		return s
	}
	secured := func(props map[string]any) string {
		if props["AuthorizationType"] == "AWS_IAM" {
			return "AWS_IAM"
		}
		if props["AuthorizerId"] == nil {
			return ""
		}
		return fmt.Sprint(get(refOf(props["AuthorizerId"]))["Name"])
	}
	var pathOf func(v any) string
	pathOf = func(v any) string {
		id := refOf(v)
		if id == "" {
			return ""
		}
		return pathOf(get(id)["ParentId"]) + "/" + get(id)["PathPart"].(string)
	}
	var out []string
	for id, r := range ours {
		props := get(id)
		switch {
		case typeOf(r) == "AWS::ApiGatewayV2::Route" && refOf(props["ApiId"]) == api:
			in := get(strings.TrimSuffix(id, "Route") + "Integration")
			out = append(out, strings.TrimSpace(fmt.Sprint(props["RouteKey"], " ", in["PayloadFormatVersion"], " ", orEmpty(in["TimeoutInMillis"]), " ", secured(props))))
		case typeOf(r) == "AWS::ApiGateway::Method" && refOf(props["RestApiId"]) == api:
			path := pathOf(props["ResourceId"])
			if path == "" {
				path = "/"
			}
			in, _ := props["Integration"].(map[string]any)
			line := fmt.Sprint(props["HttpMethod"], " ", path)
			if in["Type"] == "MOCK" {
				out = append(out, line+" MOCK")
				continue
			}
			out = append(out, strings.TrimSpace(fmt.Sprint(line, "  ", orEmpty(in["TimeoutInMillis"]), " ", secured(props))))
		}
	}
	sort.Strings(out)
	return out
}
