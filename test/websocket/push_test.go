package websocket

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Code pushes as it does on AWS, whatever its SDK: to the names of the event, to
// a name that the template gave it, and to AWS's own name, which it makes itself
// and which nobody but Suiro answers to: the API's id is not known on AWS.
func TestSDKsPushUnmodified(t *testing.T) {
	s := startApp(t, "testdata/pushers", "")
	c := s.open(t, "Echo", "")
	for _, by := range []string{"event", "template", "code"} {
		for _, sdk := range []string{"js3", "js2", "python", "go1", "go2"} {
			t.Run("endpoint of the "+by+", "+sdk, func(t *testing.T) {
				text := sdk + " by " + by
				message, _ := json.Marshal(map[string]string{"action": sdk, "by": by, "text": text})
				c.send(string(message))
				c.want(text)
			})
		}
	}
	// SDKs that know endpoint variables need none where the app has one API.
	for _, sdk := range []string{"js3", "python"} {
		t.Run("no endpoint, "+sdk, func(t *testing.T) {
			c.send(`{"action":"` + sdk + `","by":"","text":"by nobody"}`)
			c.want("by nobody")
		})
	}
}

// Code that signs its pushes itself and sends them with its language's own
// HTTP client reaches Suiro as well: through a host name that carries a port
// where on AWS it carries none, and through AWS's own name.
func TestHandSignedPushes(t *testing.T) {
	for _, program := range []string{"java", "mvn", "ruby"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is not installed (run: make tools)", program)
		}
	}
	app := filepath.Join(t.TempDir(), "signers")
	if err := os.CopyFS(app, os.DirFS("testdata/signers")); err != nil {
		t.Fatal(err)
	}
	installed, _ := filepath.Abs("../.tools/npm/node_modules/aws4")
	modules := filepath.Join(app, "aws4", "node_modules")
	if err := errors.Join(os.Mkdir(modules, 0o755), os.CopyFS(filepath.Join(modules, "aws4"), os.DirFS(installed))); err != nil {
		t.Fatalf("aws4: %v (run: make tools)", err)
	}
	s := startApp(t, app, "")
	c := s.open(t, "Echo", "")
	for _, push := range []struct{ action, form string }{
		{"node", "https"}, {"node", "fetch"}, {"node", "tls"}, {"aws4", ""}, {"python", "urllib_request"}, {"python", "http_client"}, {"python", "with_port"},
		{"python", "pool_manager"}, {"python", "session"}, {"python", "streams"}, {"ruby", "new"}, {"ruby", "uri"}, {"java", ""},
	} {
		for _, by := range []string{"event", "code"} {
			t.Run(push.action+" "+push.form+", host of the "+by, func(t *testing.T) {
				text := push.action + push.form + by
				message, _ := json.Marshal(map[string]string{"action": push.action, "form": push.form, "by": by, "text": text})
				c.send(string(message))
				c.want(text)
			})
		}
	}
}
