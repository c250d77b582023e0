package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// summary counts outcomes.
func summary(results []result) string {
	n := map[outcome]int{}
	for _, r := range results {
		n[r.Outcome]++
	}
	return fmt.Sprintf("%d apps: %d passed, %d failed, %d not runnable", len(results), n[passed], n[failed], n[notRunnable])
}

// line is what the terminal shows of one app.
func line(w io.Writer, r result) {
	fmt.Fprintf(w, "%-12s  %-44s  %5.1fs", r.Outcome, r.ID, r.Seconds)
	if r.Why != "" {
		fmt.Fprintf(w, "  %s", r.Why)
	}
	fmt.Fprintln(w)
}

func writeJSON(file string, results []result) error {
	data, err := json.MarshalIndent(map[string]any{"summary": summary(results), "apps": results}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644)
}

// preface begins docs/apps.md.
const preface = `# Other people's apps

Public apps that run with ` + "`suiro dev`" + ` from their unmodified files, and those that do not, with the reason. Each is
described in ` + "[`test/apps/public`](../test/apps/public)" + ` in our own words: where it is, how its dependencies are
installed, what a client does and sees. Their code is not part of this project. To repeat the measurement on a machine
with internet (checkouts are cloned):

    make apps                        # all of them
    make apps ONLY=simple-chat-node  # one
    make apps APPS=folder            # checkouts in folder/owner/name

This page is written by that command (` + "`make apps MARKDOWN=docs/apps.md`" + `).

`

func writeMarkdown(file string, results []result) error {
	var b strings.Builder
	b.WriteString(preface)
	fmt.Fprintf(&b, "**%s.**\n", summary(results))
	kind := ""
	for _, r := range results {
		if r.Kind != kind {
			kind = r.Kind
			fmt.Fprintf(&b, "\n## %s\n\n| app | where | result |\n|---|---|---|\n", kind)
		}
		where := "`" + r.Repository + "`"
		if r.Repository == "" {
			where = "here"
		}
		if r.Path != "." {
			where += " `" + r.Path + "`"
		}
		if r.Commit != "" {
			where += " @" + r.Commit[:7]
		}
		said := string(r.Outcome)
		if r.Outcome == passed {
			said = strings.TrimSuffix(fmt.Sprintf("**passed**, %d steps. %s", r.Steps, r.Note), ". ")
		}
		if r.Why != "" {
			said += ": " + strings.ReplaceAll(r.Why, "|", "\\|")
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.Title, where, said)
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}
