package journeys

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The chat page in headless Chromium, two tabs; a screenshot is kept in
// SCREENSHOTS when that names a folder.
func TestChatPageInTwoTabs(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not installed (run: make tools)")
	}
	dir := example(t, "chat-go")
	r := start(t, dir)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(640, 480))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()

	page := "file://" + filepath.Join(dir, "web/index.html") + "?url=" + url.QueryEscape(r.url("websocket"))
	first, cancel := chromedp.NewContext(ctx)
	defer cancel()
	open := func(tab context.Context) {
		t.Helper()
		if err := chromedp.Do(tab, chromedp.Navigate(page), chromedp.WaitReady("#state.open")); err != nil {
			t.Fatal(err)
		}
	}
	open(first)
	second, cancel := chromedp.NewContext(first)
	defer cancel()
	open(second)

	say := func(tab context.Context, text string) {
		t.Helper()
		if err := chromedp.Do(tab, chromedp.SendKeys("#text", text), chromedp.Click("#send")); err != nil {
			t.Fatal(err)
		}
	}
	hears := func(tab context.Context, want string) {
		t.Helper()
		got, err := chromedp.Run(tab, chromedp.Text("#log li:not(.mine)"))
		if err != nil || got != want {
			t.Fatalf("the tab shows %q, want %q (%v)", got, want, err)
		}
	}
	say(first, "hello from the first tab")
	hears(second, "hello from the first tab")
	say(second, "and hello back")
	hears(first, "and hello back")
	shot, err := chromedp.Run(first, chromedp.CaptureScreenshot())
	if err != nil {
		t.Fatal(err)
	}
	if folder := os.Getenv("SCREENSHOTS"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, "chat.png"), shot, 0o644); err != nil {
			t.Error(err)
		}
	}
}
