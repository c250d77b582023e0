// Package streaming holds the real program to how responses stream: real
// functions in Node, Go and Python behind function URLs and the Invoke API,
// called by curl, Go, and the AWS SDKs for Go, JavaScript and Python. SUIRO
// names the program; the clients come from tools/install.
package streaming

import (
	"os"
	"testing"

	harness "github.com/suiro-dev/suiro/test/suiro"
)

// suiro is a running suiro dev.
type suiro struct {
	*harness.Running
	t     *testing.T
	dir   string
	ready harness.Ready
}

type entry = harness.Entry

func program(t *testing.T) string { return harness.Program(t) }

func tool(t *testing.T, path string) string { t.Helper(); return harness.Tool(t, path) }

func copyOf(t *testing.T, from string) string { t.Helper(); return harness.Copy(t, from) }

// start runs a copy of an app.
func start(t *testing.T, from string) *suiro {
	t.Helper()
	r := harness.Start(t, copyOf(t, from))
	return &suiro{r, t, r.Dir, r.Ready}
}

// await waits for an entry that fits.
func (s *suiro) await(what string, fits func(entry) bool) entry {
	s.t.Helper()
	return s.Await(0, what, fits)
}

// url is the address of a function's URL.
func (s *suiro) url(function string) string {
	s.t.Helper()
	for _, e := range s.ready.Endpoints {
		if e.Resource == function+"Url" || e.Resource == function+"LambdaFunctionUrl" { // SAM's name, Serverless's
			return e.URL
		}
	}
	s.t.Fatalf("no URL of %s in %+v", function, s.ready.Endpoints)
	return ""
}

// env is the environment of an AWS client.
func (s *suiro) env(more ...string) []string {
	return append(append(os.Environ(),
		"AWS_ACCESS_KEY_ID="+s.ready.AWS.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+s.ready.AWS.SecretAccessKey,
		"AWS_REGION="+s.ready.AWS.Region, "AWS_DEFAULT_REGION="+s.ready.AWS.Region, "AWS_PAGER=",
		"ENDPOINT="+s.ready.AWS.Endpoint, "FUNCTION="+s.ready.Resources["Node"]), more...)
}
