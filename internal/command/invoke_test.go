package command

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInvokeSaysWhatIsWrong(t *testing.T) {
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/2021-11-15/functions/arn:aws:lambda:us-east-1:123456789012:function:fn/response-streaming-invocations" ||
			!strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=suiro/") {
			t.Errorf("%s %v", r.URL.EscapedPath(), r.Header)
		}
		w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"Type":"User","Message":"Function not found"}`))
	}))
	defer missing.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello, this is no stream")) }))
	defer broken.Close()
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{nil, exitUsage, "which function?"},
		{[]string{"Fn", "a", "b"}, exitUsage, "one path is enough"},
		{[]string{"Fn", "--event", event}, exitUsage, "the event is not JSON"},
		{[]string{"Fn", "--event", event + "x"}, exitUsage, "reading the event"},
		{[]string{"Fn", filepath.Dir(event)}, exitUsage, "no template"},
		{[]string{"arn:aws:lambda:us-east-1:123456789012:function:fn", "--endpoint", missing.URL + "/"}, exitUsage, "ResourceNotFoundException: Function not found"},
		{[]string{"fn", "--endpoint", other.URL}, exitFailed, "404 Not Found"},
		{[]string{"fn", "--endpoint", broken.URL}, exitFailed, "the response broke off"},
	} {
		var out, errs bytes.Buffer
		status := Run(context.Background(), append([]string{"invoke"}, c.args...), &out, &errs)
		if status != c.status || !strings.Contains(errs.String(), c.want) || out.Len() > 0 {
			t.Errorf("%v: status %d, %q, %q; want %d, %q", c.args, status, out.String(), errs.String(), c.status, c.want)
		}
	}
}
