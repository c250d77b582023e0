package sigv4

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// vector is a request that botocore signed (testdata/sign.py).
type vector struct {
	Name          string      `json:"name"`
	Method        string      `json:"method"`
	URL           string      `json:"url"`
	Headers       [][2]string `json:"headers,omitempty"`
	Body          string      `json:"body,omitempty"`
	Service       string      `json:"service"`
	Region        string      `json:"region"`
	AccessKey     string      `json:"accessKey"`
	Secret        string      `json:"secret"`
	Token         string      `json:"token,omitempty"`
	Time          string      `json:"time"`
	Presign       bool        `json:"presign,omitempty"`
	SignedURL     string      `json:"signedUrl,omitempty"`
	SignedHeaders [][2]string `json:"signedHeaders,omitempty"`
}

// request is v as a server receives it.
func (v *vector) request(t testing.TB) *http.Request {
	t.Helper()
	scheme, rest, _ := strings.Cut(v.SignedURL, "://")
	host, target, _ := strings.Cut(rest, "/")
	r := httptest.NewRequest(v.Method, "/"+target, strings.NewReader(v.Body))
	r.Host = host
	r.RequestURI = "/" + target
	if scheme == "" || host == "" {
		t.Fatalf("%s: URL %q", v.Name, v.SignedURL)
	}
	for _, h := range v.SignedHeaders {
		r.Header.Add(h[0], h[1])
	}
	return r
}

func (v *vector) verify(t testing.TB) error {
	t.Helper()
	r := v.request(t)
	c, err := Parse(r)
	if err != nil {
		return err
	}
	now, _ := time.Parse(timeFormat, v.Time)
	if err := c.Check(v.Service, v.Region, now); err != nil {
		return err
	}
	if c.AccessKeyID != v.AccessKey || c.SessionToken != v.Token || c.Presigned != v.Presign {
		return fmt.Errorf("claim is %+v", c)
	}
	var verifier Verifier
	if err := verifier.Verify(r, &c, v.Secret, []byte(v.Body)); err != nil {
		return err
	}
	r = v.request(t) // once more with the body unread
	if err := verifier.Verify(r, &c, v.Secret, nil); err != nil {
		return fmt.Errorf("with the body unread: %w", err)
	}
	if got, err := io.ReadAll(r.Body); err != nil || string(got) != v.Body {
		return fmt.Errorf("body afterwards: %q, %w", got, err)
	}
	return nil
}

func detail(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Detailed()
	}
	return err.Error()
}

func TestVectorsSignedByBotocore(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			if err := v.verify(t); err != nil {
				t.Error(detail(err))
			}
		})
	}
}

// TestRandomRequestsSignedByBotocore asks the botocore installed here, so it
// also says when a new version of it signs differently.
func TestRandomRequestsSignedByBotocore(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Python")
	}
	if err := exec.Command("python3", "-c", "import botocore").Run(); err != nil {
		t.Skip("needs python3 with botocore: " + err.Error())
	}
	rnd := rand.New(rand.NewSource(1))
	pick := func(from ...string) string { return from[rnd.Intn(len(from))] }
	var cases []vector
	for i := range 300 {
		v := vector{Name: fmt.Sprint(i), Method: pick("GET", "POST", "PUT", "DELETE"), Region: "us-east-1",
			AccessKey: "AKIDRANDOM", Secret: pick("s", "se/cret+="), Token: pick("", "to+ken/="), Time: "20260314T000000Z",
			Service: pick("execute-api", "lambda", "dynamodb", "s3", "appsync"), Presign: rnd.Intn(3) == 0}
		v.URL = pick("http", "https") + "://localhost:3001"
		segments := []string{"dev", "a%20b", "%40connections", "Aa%3D", "x.y", "~u", "%C3%BC", "", ".", ".."}
		if v.Service != "s3" { // for S3, botocore signs its own encoding only
			segments = append(segments, "@connections", "Aa=", "a+b", "it's", "(1)*!")
		}
		for range 1 + rnd.Intn(4) {
			v.URL += "/" + pick(segments...)
		}
		for i := range rnd.Intn(4) {
			v.URL += []string{"?", "&", "&", "&"}[i] + pick("a", "b", "B", "a-b", "x%20y", "%C3%A9") + "=" + pick("", "1", "%2F", "a%20b", "%2B", "~")
		}
		if !v.Presign {
			v.Headers = [][2]string{{"X-Custom", pick("a", " a  b ", "é", "a,b")}, {"Content-Type", "application/json"}}
			v.Body = pick("", "{}", "é")
		}
		cases = append(cases, v)
	}
	input, _ := json.Marshal(cases)
	cmd := exec.Command("python3", "testdata/sign.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var signed []vector
	if err := json.Unmarshal(output, &signed); err != nil {
		t.Fatal(err)
	}
	for _, v := range signed {
		if err := v.verify(t); err != nil {
			t.Errorf("%s %s: %s", v.Method, v.SignedURL, detail(err))
		}
	}
}

var testTime = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

var testCreds = Credentials{AccessKeyID: "ASIA1", SecretAccessKey: "secret", SessionToken: "token"}

// signed is a request signed by Sign, as the server receives it.
func signed(body string) *http.Request {
	r := httptest.NewRequest("POST", "http://localhost:3001/dev/@connections/Aa%3D?x=1&y=a%20b", strings.NewReader(body))
	r.Header.Set("Content-Type", "text/plain")
	r.Header.Set("X-Amz-Other", "1")
	Sign(r, testCreds, "us-east-1", "execute-api", []byte(body), testTime)
	return r
}

func verify(r *http.Request, body []byte) error {
	c, err := Parse(r)
	if err != nil {
		return err
	}
	if err := c.Check("execute-api", "us-east-1", testTime); err != nil {
		return err
	}
	var v Verifier
	return v.Verify(r, &c, testCreds.SecretAccessKey, body)
}

func TestOneChangedByteFails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringN(1, 20, 40).Draw(t, "body")
		r := signed(body)
		if err := verify(r, []byte(body)); err != nil {
			t.Fatalf("untouched: %v", detail(err))
		}
		flip := func(s string) string {
			b := []byte(s)
			i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
			b[i] ^= 1 << rapid.IntRange(0, 6).Draw(t, "bit")
			return string(b)
		}
		what := rapid.SampledFrom([]string{"body", "method", "host", "path", "query", "date", "token", "other", "signature", "secret"}).Draw(t, "what")
		before := r.Header.Get("Authorization")
		switch what {
		case "body":
			body = flip(body)
		case "method":
			r.Method = flip(r.Method)
		case "host":
			r.Host = flip(r.Host)
			if strings.ContainsAny(r.Host, " \t\n\v\f\r") {
				return // outer space is trimmed
			}
		case "path":
			r.RequestURI = "/" + flip(strings.TrimPrefix(r.URL.EscapedPath(), "/"))
			if strings.Contains(r.RequestURI, "//") || strings.Contains(r.RequestURI, "/.") || strings.Contains(r.RequestURI, "?") {
				return // another spelling of the same path
			}
		case "query":
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "x=1", "x="+flip("1"), 1)
			if strings.Contains(r.URL.RawQuery, "%31") {
				return
			}
		case "date":
			r.Header.Set("X-Amz-Date", flip(r.Header.Get("X-Amz-Date")))
		case "token":
			r.Header.Set("X-Amz-Security-Token", "x"+r.Header.Get("X-Amz-Security-Token"))
		case "other":
			r.Header.Set("X-Amz-Other", "2")
		case "signature":
			at := strings.Index(before, "Signature=") + len("Signature=")
			r.Header.Set("Authorization", before[:at]+flip(before[at:]))
		case "secret":
			c, _ := Parse(r)
			var v Verifier
			if err := v.Verify(r, &c, flip(testCreds.SecretAccessKey), []byte(body)); err == nil {
				t.Fatal("verified with another secret")
			}
			return
		}
		if err := verify(r, []byte(body)); err == nil {
			t.Fatalf("still verifies with a changed %s", what)
		}
	})
}

func TestPresignedURLVerifies(t *testing.T) {
	r := httptest.NewRequest("GET", "http://localhost:3001/dev?a=%2F&b", nil)
	u := Presign(r, testCreds, "us-east-1", "execute-api", time.Minute, testTime)
	got := httptest.NewRequest("GET", u.String(), nil)
	if err := verify(got, nil); err != nil {
		t.Error(detail(err))
	}
	c, _ := Parse(got)
	err := c.Check("execute-api", "", testTime.Add(2*time.Minute))
	want := "Signature expired: 20260314T150926Z is now earlier than 20260314T151026Z (20260314T151126Z - 1 min.)"
	if err == nil || err.(*Error).Message != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestRefusalsHaveAWSsWords(t *testing.T) {
	const auth = "AWS4-HMAC-SHA256 Credential=AKID/20260314/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=00"
	for _, c := range []struct {
		name, auth, date, query string
		code, message           string
	}{
		{"unsigned", "", "", "", codeMissing, "Missing Authentication Token"},
		{"another scheme", "Bearer x", "20260314T150926Z", "", codeIncomplete,
			"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
				"Authorization header requires 'SignedHeaders' parameter. Authorization=Bearer x"},
		{"no date", auth, "", "", codeIncomplete,
			"Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=" + auth},
		{"a date of another form", auth, "2026-03-14T15:09:26Z", "", codeIncomplete,
			"Date must be in ISO-8601 'basic format'. Got '2026-03-14T15:09:26Z'. See http://en.wikipedia.org/wiki/ISO_8601"},
		{"another algorithm", strings.Replace(auth, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 1), "20260314T150926Z", "",
			codeIncomplete, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."},
		{"a short scope", strings.Replace(auth, "/us-east-1", "", 1), "20260314T150926Z", "", codeIncomplete,
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'AKID/20260314/execute-api/aws4_request'."},
		{"another terminator", strings.Replace(auth, "aws4_request", "aws5", 1), "20260314T150926Z", "", codeInvalid,
			"Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'."},
		{"another service", strings.Replace(auth, "execute-api", "lambda", 1), "20260314T150926Z", "", codeInvalid,
			"Credential should be scoped to correct service: 'execute-api'."},
		{"another region", strings.Replace(auth, "us-east-1", "mars-1", 1), "20260314T150926Z", "", codeInvalid,
			"Credential should be scoped to a valid Region, not 'mars-1'."},
		{"scope of another day", auth, "20260315T000000Z", "", codeInvalid,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260314' != '20260315', from '20260315T000000Z'."},
		{"an old request", auth, "20260314T150000Z", "", codeInvalid,
			"Signature expired: 20260314T150000Z is now earlier than 20260314T150426Z (20260314T150926Z - 5 min.)"},
		{"a request from the future", auth, "20260314T160000Z", "", codeInvalid,
			"Signature not yet current: 20260314T160000Z is still later than 20260314T152426Z (20260314T150926Z + 15 min.)"},
		{"host not signed", strings.Replace(auth, "=host", "=x-amz-date", 1), "20260314T150926Z", "", codeInvalid,
			"'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"both ways at once", auth, "", "X-Amz-Algorithm=AWS4-HMAC-SHA256", codeInvalid,
			"Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."},
		{"half a presigned URL", "", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20260314T150926Z&X-Amz-SignedHeaders=host", codeIncomplete,
			"AWS query-string parameters requires 'X-Amz-Credential'. AWS query-string parameters requires 'X-Amz-Signature'. Re-examine the query-string parameters."},
		{"eight days", "", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260314%2Fus-east-1%2Fexecute-api%2Faws4_request" +
			"&X-Amz-Date=20260314T150926Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00&X-Amz-Expires=691200", codeIncomplete,
			"X-Amz-Expires must be a number of seconds from 1 to 604800, not '691200'."},
		{"a wrong signature", auth, "20260314T150926Z", "", codeInvalid, mismatchText},
	} {
		r := httptest.NewRequest("GET", "/dev?"+c.query, nil)
		r.Header.Set("X-Amz-Date", c.date)
		r.Header.Set("Authorization", c.auth)
		err := verify(r, nil)
		var e *Error
		if !errors.As(err, &e) || e.Code != c.code || e.Message != c.message {
			t.Errorf("%s:\n got %v\nwant %s: %s", c.name, err, c.code, c.message)
		}
	}
}

func TestMismatchShowsWhatWasComputed(t *testing.T) {
	r := signed("x")
	err := verify(r, []byte("y"))
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	for _, part := range []string{
		mismatchText + "\n\nThe Canonical String for this request should have been\n'POST\n/dev/%40connections/Aa%253D\nx=1&y=a%20b\n",
		"\nhost:localhost:3001\n", "\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20260314T150926Z\n20260314/us-east-1/execute-api/aws4_request\n",
	} {
		if !strings.Contains(e.Detailed(), part) {
			t.Errorf("%q is not in\n%s", part, e.Detailed())
		}
	}
}

func TestDeclaredHashHoldsForABodyReadLater(t *testing.T) {
	r := signed("hello")
	r.Body = io.NopCloser(strings.NewReader("hullo"))
	if err := verify(r, nil); err != nil {
		t.Fatalf("the signature covers the declared hash: %v", err)
	}
	var e *Error
	if _, err := io.ReadAll(r.Body); !errors.As(err, &e) || e.Code != codeInvalid {
		t.Errorf("the changed body reads without an error: %v", err)
	}
}

func TestLambdaRefusesUnsignedPayloads(t *testing.T) {
	for service, ok := range map[string]bool{"lambda": false, "appsync": true} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("x"))
		r.Header.Set("X-Amz-Content-Sha256", unsignedPayload)
		Sign(r, testCreds, "us-east-1", service, nil, testTime)
		c, err := Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		var v Verifier
		if err := v.Verify(r, &c, testCreds.SecretAccessKey, nil); (err == nil) != ok {
			t.Errorf("%s: %v", service, err)
		}
	}
}

func TestSigningKeysAreBounded(t *testing.T) {
	var v Verifier
	for i := range 2*maxKeys + 1 {
		v.signer(scope{secret: fmt.Sprint(i)})
	}
	if len(v.keys) > maxKeys {
		t.Errorf("%d keys", len(v.keys))
	}
}

func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=A/20260314/r/s/aws4_request, SignedHeaders=host, Signature=00", "20260314T150926Z", "/a%20b/../", "a=b&a=%zz+")
	f.Add("", "", "//", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb%2Fc%2Fd%2Faws4_request")
	f.Fuzz(func(t *testing.T, auth, date, path, query string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Authorization"], r.Header["X-Amz-Date"] = []string{auth}, []string{date}
		r.URL.RawQuery, r.RequestURI = query, "/"+path
		c, err := Parse(r)
		if err != nil {
			return
		}
		_ = c.Check("s", "r", testTime)
		var v Verifier
		if v.Verify(r, &c, "secret", nil) == nil {
			t.Error("a guess verified")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	r := signed(`{"hello":"world"}`)
	body := []byte(`{"hello":"world"}`)
	var v Verifier
	b.ReportAllocs()
	for b.Loop() {
		c, err := Parse(r)
		if err == nil {
			err = v.Verify(r, &c, testCreds.SecretAccessKey, body)
		}
		if err != nil {
			b.Fatal(detail(err))
		}
	}
}
