package streaming

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	harness "github.com/suiro-dev/suiro/test/suiro"
)

// browser holds Chromium to the same: fetch's reader and EventSource have each
// piece before the next is written, over HTTP/1.1 and, with TLS, HTTP/2.
func browser(t *testing.T, s *suiro) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed (run: make tools)")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("ignore-certificate-errors", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	for scheme, protocol := range map[string]string{"http": "http11", "https": "h2"} {
		t.Run(protocol, func(t *testing.T) {
			tab, cancel := chromedp.NewContext(ctx)
			defer cancel()
			gate := filepath.Join(t.TempDir(), "gate")
			address := strings.Replace(s.url("Page"), "http:", scheme+":", 1)
			if err := chromedp.Do(tab, chromedp.Navigate(address+"page?gate="+gate)); err != nil {
				t.Fatal(err)
			}
			shows := func(id string) {
				t.Helper()
				if err := chromedp.Do(tab, chromedp.WaitReady("#"+id)); err != nil {
					t.Fatalf("%s: %v", id, err)
				}
			}
			for i := range 3 {
				for _, by := range []string{"fetch", "sse"} {
					open(t, fmt.Sprintf("%s-%s%d", gate, by, i))
					shows(fmt.Sprintf("%s-%d", by, i)) // and only now the next can be written
				}
			}
			shows("sse-end")
			shows("fetch-end")
			shows("over-" + protocol)
		})
	}
}
