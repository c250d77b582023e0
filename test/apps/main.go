// Command apps runs public apps with suiro dev, from their unmodified files
// and with real clients, and says which of them behave as they do on AWS.
//
//	go run ./apps -apps FOLDER [-only ID,…] [-json FILE] [-markdown FILE]
//
// Each app is described by a file in public/ (see README.md); FOLDER holds
// git checkouts as owner/name, which are cloned when they are missing. The
// exit status is 1 when an app failed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	apps := flag.String("apps", ".tools/apps", "`folder` of checkouts, owner/name; missing ones are cloned into it")
	only := flag.String("only", "", "`ids` of the apps to run, with commas; default all")
	described := flag.String("descriptions", "apps/public", "`folder` of descriptions")
	asJSON := flag.String("json", "", "write the table as JSON to `file`")
	asMarkdown := flag.String("markdown", "", "write the table as Markdown to `file`")
	jobs := flag.Int("jobs", 1, "how many apps run at the same time")
	keep := flag.Bool("keep", false, "keep the copies of the apps")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	status, err := run(ctx, *apps, *described, *only, *asJSON, *asMarkdown, *jobs, *keep)
	if err != nil {
		fmt.Fprintln(os.Stderr, "apps:", err)
		status = 2
	}
	os.Exit(status)
}

func run(ctx context.Context, apps, described, only, asJSON, asMarkdown string, jobs int, keep bool) (int, error) {
	var ids []string
	if only != "" {
		ids = strings.Split(only, ",")
	}
	list, err := readDescriptions(described, ids)
	if err != nil {
		return 0, err
	}
	program, err := suiroProgram()
	if err != nil {
		return 0, err
	}
	if apps, err = filepath.Abs(apps); err != nil {
		return 0, err
	}
	tools, err := filepath.Abs(".tools")
	if err != nil {
		return 0, err
	}
	work, err := os.MkdirTemp("", "suiro-apps-")
	if err != nil {
		return 0, err
	}
	slices.SortStableFunc(list, func(a, b *description) int { return kindOrder(a.Kind) - kindOrder(b.Kind) })
	r := &runner{program: program, apps: apps, tools: tools, work: work}
	results := r.all(ctx, list, jobs, keep)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	status := 0
	if slices.ContainsFunc(results, func(r result) bool { return r.Outcome == failed }) {
		status = 1
	}
	fmt.Println(summary(results))
	fmt.Println("logs:", work)
	if asJSON != "" {
		if err := writeJSON(asJSON, results); err != nil {
			return 0, err
		}
	}
	if asMarkdown != "" {
		return status, writeMarkdown(asMarkdown, results)
	}
	return status, nil
}

func suiroProgram() (string, error) {
	p := os.Getenv("SUIRO")
	if p == "" {
		p = filepath.Join("..", "bin", "suiro")
	}
	p, err := filepath.Abs(p)
	if err == nil {
		_, err = os.Stat(p)
	}
	if err != nil {
		return "", fmt.Errorf("no suiro program (run make build): %w", err)
	}
	return p, nil
}

// kinds are the groups of the table, in their order.
var kinds = []string{"WebSocket APIs", "Streaming and Function URLs", "Table streams", "CloudFront", "AppSync", "HTTP and REST APIs", "App Runner"}

func kindOrder(kind string) int {
	if i := slices.Index(kinds, kind); i >= 0 {
		return i
	}
	return len(kinds)
}
