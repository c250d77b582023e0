package webadapter

import (
	"encoding/json"
	"testing"
)

func TestSettings(t *testing.T) {
	s, problems := Read(map[string]string{})
	if s.Host != "127.0.0.1" || s.Port != 8080 || s.ReadinessPort != 0 || s.ReadinessPath != "/" || s.ReadinessTCP || s.AsyncInit || s.Stream ||
		s.PassThroughPath != "/events" || !s.Healthy(404) || s.Healthy(500) || s.failing(500) || len(problems) > 0 {
		t.Errorf("defaults: %+v %v", s, problems)
	}
	s, problems = Read(map[string]string{
		"AWS_LWA_PORT": "8000", "PORT": "9000", "HOST": "0.0.0.0", "READINESS_CHECK_PORT": "8001", "READINESS_CHECK_PATH": "/health",
		"READINESS_CHECK_PROTOCOL": "TCP", "ASYNC_INIT": "true", "REMOVE_BASE_PATH": "/v1", "AWS_LWA_INVOKE_MODE": "RESPONSE_STREAM",
		"AWS_LWA_READINESS_CHECK_HEALTHY_STATUS": "200-399, 404", "AWS_LWA_ERROR_STATUS_CODES": "500,502-504,422",
		"AWS_LWA_AUTHORIZATION_SOURCE": "X-Auth", "AWS_LWA_PASS_THROUGH_PATH": "/lambda",
	})
	if s.Host != "127.0.0.1" || s.Port != 8000 || s.ReadinessPort != 8001 || s.ReadinessPath != "/health" || !s.ReadinessTCP || !s.AsyncInit ||
		s.BasePath != "/v1" || !s.Stream || s.AuthorizationSource != "x-auth" || s.PassThroughPath != "/lambda" || len(problems) > 0 {
		t.Errorf("%+v %v", s, problems)
	}
	for status, healthy := range map[int]bool{200: true, 399: true, 400: false, 404: true, 500: false} {
		if s.Healthy(status) != healthy {
			t.Errorf("healthy %d: %t", status, !healthy)
		}
	}
	for status, failing := range map[int]bool{422: true, 500: true, 501: false, 503: true, 505: false} {
		if s.failing(status) != failing {
			t.Errorf("failing %d: %t", status, !failing)
		}
	}
	s, problems = Read(map[string]string{
		"AWS_LWA_PORT": "http", "AWS_LWA_ASYNC_INIT": "yes", "AWS_LWA_INVOKE_MODE": "stream", "AWS_LWA_ERROR_STATUS_CODES": "5xx",
		"AWS_LWA_READINESS_CHECK_MIN_UNHEALTHY_STATUS": "400", "AWS_LWA_LAMBDA_RUNTIME_API_PROXY": "127.0.0.1:9002",
	})
	if s.Port != 8080 || s.AsyncInit || s.Stream || s.failing(500) || s.Healthy(404) || len(problems) != 6 {
		t.Errorf("%+v %v", s, problems)
	}
	if s, problems = Read(map[string]string{"AWS_LWA_INVOKE_MODE": "response_stream", "AWS_LWA_ENABLE_COMPRESSION": "true"}); s.Compress || len(problems) != 1 {
		t.Errorf("%+v %v", s, problems)
	}
}

func TestPortsAreReplacedWhereTheyAreMeant(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"PORT", "8080", "9999"},
		{"SERVER_PORT", "8080", "9999"},
		{"-p", "8080", "9999"},
		{"--port", "8080", "9999"},
		{"", "--port=8080", "--port=9999"},
		{"", "-b=:8080", "-b=:9999"},
		{"--bind", "0.0.0.0:8080", "0.0.0.0:9999"},
		{"ASPNETCORE_URLS", "http://+:8080", "http://+:9999"},
		{"URL", "http://localhost:8080/", "http://localhost:9999/"},
		{"TIMEOUT", "8080", "8080"},
		{"API", "http://api.example.com:8080", "http://api.example.com:8080"},
		{"PORT", "8081", "8081"},
		{"", "--limit=8080", "--limit=8080"},
		{"", "exec uvicorn --port 8080", "exec uvicorn --port 8080"},
	} {
		if got := replacePort(c.name, c.value, 8080, 9999); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.name, c.value, got, c.want)
		}
	}
}

func TestLayersOfTheAdapter(t *testing.T) {
	for arn, want := range map[string]bool{
		"arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerX86:26":          true,
		"arn:aws-cn:lambda:cn-north-1:041581134020:layer:LambdaAdapterLayerArm64:17":    true,
		"arn:aws:lambda:us-east-1:753240598075:layer:Nginx123X86:13":                    false,
		"arn:aws:lambda:us-east-1:123456789012:layer:my-LambdaAdapterLayer-lookalike:1": false,
	} {
		if IsLayer(arn) != want {
			t.Errorf("%s: %t", arn, !want)
		}
	}
}

func FuzzReadEvent(f *testing.F) {
	f.Add([]byte(`{"rawPath":"/","requestContext":{"http":{"method":"GET"}},"body":"aGVsbG8=","isBase64Encoded":true}`))
	f.Add([]byte(`{"httpMethod":"GET","path":"/a b","multiValueQueryStringParameters":{"q":["1"]},"requestContext":{"elb":{}}}`))
	f.Add([]byte(`{"Records":[]}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		r, err := readEvent(payload)
		if err != nil {
			return
		}
		if r.origin == passThrough && !json.Valid(r.body) {
			t.Errorf("%q is passed through as %q", payload, r.body)
		}
		u := target("127.0.0.1:8080", rooted(r.path), r.query)
		for _, c := range []byte(u.RequestURI()) {
			if c <= ' ' || c >= 0x7f {
				t.Errorf("%q makes the request line %q", payload, u.RequestURI())
			}
		}
	})
}
