package command

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/node"
	"golang.org/x/term"
)

// printer shows a running app: the ready table, then one line for each thing
// that happens.
type printer struct {
	cli    *cli
	json   bool
	colour bool
	width  int // of the function column, grows with the longest name

	mu      sync.Mutex
	pending string // a progress line that stands on the terminal's last row
	out     []byte // lines for stdout, until flush
	told    bool   // JSON: the ready line is out; until then flush holds the others
}

// shownKinds are what the terminal has lines for.
var shownKinds = []journal.Kind{
	journal.Connected, journal.Refused, journal.Message, journal.Pushed, journal.Disconnected, journal.Answered,
	journal.Logged, journal.Invoked, journal.Progress, journal.Changed, journal.Noticed,
}

// kinds are what the printer reads; none is all.
func (p *printer) kinds() []journal.Kind {
	if p.json {
		return nil
	}
	return shownKinds
}

func newPrinter(c *cli, asJSON bool) *printer {
	p := &printer{cli: c, json: asJSON}
	if f, ok := c.stdout.(*os.File); ok && !asJSON {
		p.colour = term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return p
}

// ANSI styles by meaning.
const (
	dim    = "2"
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
	purple = "35"
	cyan   = "36"
)

func (p *printer) style(code, s string) string {
	if !p.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// pace is how long the printer rests after it has written. What happens first
// after a silence is shown at once, what follows closely in one write: under
// load a write and a wake-up for each line would cost more than the message
// that it tells of.
const pace = 5 * time.Millisecond

// Bounds of one write, in entries, and of the buffer that is kept for it.
const (
	mostEntries = 512
	keptBuffer  = 256 << 10
)

func (p *printer) run(entries <-chan journal.Entry) {
	for e := range entries {
		p.show(&e)
		for more := min(len(entries), mostEntries); more > 0; more-- {
			e = <-entries
			p.show(&e)
		}
		p.flush()
		if len(entries) == 0 {
			time.Sleep(pace)
		}
	}
}

// flush writes the lines that wait.
func (p *printer) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushLocked()
}

func (p *printer) flushLocked() {
	if len(p.out) == 0 || p.json && !p.told {
		return
	}
	_, _ = p.cli.stdout.Write(p.out) // nobody is left to tell
	p.out = p.out[:0]
	if cap(p.out) > keptBuffer {
		p.out = nil
	}
}

func (p *printer) ready(r node.Ready, took time.Duration) {
	defer p.flush()
	if p.json {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.out = append(append([]byte(jsonText(r)), '\n'), p.out...)
		p.told = true
		return
	}
	p.line("")
	p.line(fmt.Sprintf("%s %s  %s, %s  %s", p.style(bold, r.App), p.style(dim, "("+r.Template+")"), r.AWS.Region,
		plural(r.Functions, "function"), p.style(green, "ready in "+shortDuration(took))))
	width, kind := len("AWS API"), len("websocket")
	for _, e := range r.Endpoints {
		width, kind = max(width, len(e.Resource)), max(kind, len(e.Kind))
	}
	for _, e := range r.Endpoints {
		p.line(fmt.Sprintf("  %-*s  %-*s  %s", width, e.Resource, kind, e.Kind, p.style(cyan, e.URL)))
	}
	p.line(fmt.Sprintf("  %-*s  %-*s  %s", width, "AWS API", kind, "aws", p.style(cyan, r.AWS.Endpoint)))
	for _, name := range r.OutputNames {
		if strings.HasPrefix(r.Outputs[name], "arn:") || name == "ServerlessDeploymentBucketName" {
			continue // nothing to open or to type; --output json has them all
		}
		p.line(p.style(dim, fmt.Sprintf("  %s = %s", name, r.Outputs[name])))
	}
	p.line("")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func (p *printer) messages(l diag.List) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushLocked()
	p.clearPending()
	p.cli.printMessages(l)
}

func (p *printer) stopping() {
	if !p.json {
		p.mu.Lock()
		p.clearPending()
		p.mu.Unlock()
		fmt.Fprintln(p.cli.stderr, "suiro: stopping")
	}
}

// entry shows one journal entry.
func (p *printer) entry(e journal.Entry) {
	p.show(&e)
	p.flush()
}

// show makes the lines of an entry, for flush to write.
func (p *printer) show(e *journal.Entry) {
	if p.json {
		if e.Kind == journal.Progress || e.Kind == journal.Noticed && e.Err != "" {
			fmt.Fprintf(p.cli.stderr, "suiro: %s\n", strings.TrimSpace(e.Text+" "+e.Err))
		}
		p.mu.Lock()
		p.out = append(e.AppendJSON(p.out), '\n')
		p.mu.Unlock()
		return
	}
	if e.Dropped > 0 {
		p.line(p.style(yellow, fmt.Sprintf("… %d lines not shown: the terminal was too slow", e.Dropped)))
	}
	if e.Kind == journal.Progress {
		p.progress(e)
		return
	}
	if s := p.text(e); s != "" {
		p.line(p.style(dim, e.Time.Format("15:04:05.000")) + "  " + s)
	}
}

// text is the entry without its time, or "" for one the terminal does not
// show.
func (p *printer) text(e *journal.Entry) string {
	took := p.style(dim, shortDuration(e.Duration))
	conn := p.style(purple, e.ConnectionID)
	failed := ""
	if e.Err != "" {
		failed = "  " + p.style(red, e.Err)
	}
	switch e.Kind {
	case journal.Connected:
		return p.verb(green, "connect", conn, p.arrow(e), took) + failed
	case journal.Refused:
		return p.verb(red, "refuse", conn, strconv.Itoa(e.Status), strings.TrimSpace(e.Method+" "+e.Path), p.arrow(e)) + failed
	case journal.Message:
		return p.verb(blue, "message", conn, e.Route, p.arrow(e), took) + failed
	case journal.Pushed:
		return p.verb(cyan, "push", conn, p.style(dim, byteCount(e.Bytes))) + failed
	case journal.Disconnected:
		return p.verb(yellow, "close", conn, strconv.Itoa(e.Status), e.Text, p.arrow(e)) + failed
	case journal.Answered:
		return p.verb(blue, "http", e.Method+" "+printable(e.Path), statusText(e.Status), p.arrow(e), p.style(dim, byteCount(e.Bytes)), took) + failed
	case journal.Logged:
		return p.log(e)
	case journal.Invoked:
		if e.Err == "" {
			return ""
		}
		return p.verb(red, "failed", e.Function, p.style(dim, e.RequestID), took) + failed
	case journal.Changed:
		return p.verb(green, "change", e.Text) + failed
	case journal.Noticed:
		return p.verb(yellow, "note", e.Resource, e.Text) + failed
	}
	return ""
}

// statusText is an HTTP status, "" for a request that got no answer.
func statusText(code int) string {
	if code == 0 {
		return ""
	}
	return strconv.Itoa(code)
}

func (p *printer) verb(colour, verb string, parts ...string) string {
	out := p.style(colour, fmt.Sprintf("%-8s", verb))
	for _, s := range parts {
		if s != "" {
			out += " " + s
		}
	}
	return out
}

func (p *printer) arrow(e *journal.Entry) string {
	if e.Function == "" {
		return ""
	}
	return p.style(dim, "→") + " " + e.Function
}

// log shows a line a function wrote. The platform's START, END and REPORT
// lines are for --output json and for metrics; a person wants their own.
func (p *printer) log(e *journal.Entry) string {
	if e.Stream == "platform" {
		return ""
	}
	p.width = max(p.width, len(e.Function))
	id, _, _ := strings.Cut(e.RequestID, "-")
	bar := "│"
	if e.Stream == "stderr" {
		bar = p.style(red, bar)
	}
	return fmt.Sprintf("%-*s %-8s %s %s", p.width, e.Function, p.style(dim, id), bar, printable(withoutPrefix(e.Text)))
}

// logPrefix is what the runtimes put before a line: time, request id and level
// of Node.js, level, time and request id of Python.
var logPrefix = regexp.MustCompile(`^(?:\d{4}-\d\d-\d\dT[\d:.]+Z\t(?:[0-9a-f-]{36}|undefined)\t([A-Z]+)\t|\[([A-Z]+)\]\t\d{4}-\d\d-\d\dT[\d:.]+Z\t(?:[0-9a-f-]{36})?\t)`)

// withoutPrefix leaves out what the line says already: time and request id
// stand before it, and INFO is what a line is when nothing else is said.
func withoutPrefix(text string) string {
	m := logPrefix.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	rest := text[len(m[0]):]
	if level := m[1] + m[2]; level != "INFO" {
		return level + " " + rest
	}
	return rest
}

// printable keeps a function's output from moving the cursor or ringing.
func printable(s string) string {
	clean := func(r rune) rune {
		switch {
		case r == '\t':
			return r
		case r < ' ' && r != 0x1b, r == 0x7f:
			return '·'
		case r == '\uFFFD':
			return '·'
		}
		return r
	}
	return strings.Map(clean, strings.ToValidUTF8(s, "\uFFFD"))
}

// progress shows work that takes longer than half a second: on a terminal a
// line that is replaced when it ends, elsewhere one line at each end.
func (p *printer) progress(e *journal.Entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushLocked()
	p.clearPending()
	switch {
	case e.Err != "":
		fmt.Fprintf(p.cli.stderr, "suiro: %s: %s\n", e.Text, e.Err)
	case e.Duration > 0:
		fmt.Fprintf(p.cli.stderr, "suiro: %s, %s\n", e.Text, shortDuration(e.Duration))
	case p.colour:
		p.pending = e.Text
		fmt.Fprint(p.cli.stderr, p.style(dim, e.Text+" …"))
	default:
		fmt.Fprintf(p.cli.stderr, "suiro: %s …\n", e.Text)
	}
}

func (p *printer) clearPending() {
	if p.pending != "" {
		fmt.Fprint(p.cli.stderr, "\r\x1b[K")
		p.pending = ""
	}
}

func (p *printer) line(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clearPending()
	p.out = append(append(p.out, s...), '\n')
}

func jsonText(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n")
}

// printMessages shows messages about the user's files on stderr: errors and
// warnings in full, notes as one line that says how to see them.
func (c *cli) printMessages(l diag.List) {
	notes := 0
	for _, m := range l.Sorted() {
		if m.Severity == diag.Note {
			notes++
			continue
		}
		c.printMessage(m)
	}
	if notes > 0 {
		fmt.Fprintf(c.stderr, "suiro: %s without effect here (suiro check lists them)\n", plural(notes, "setting"))
	}
}

func (c *cli) printMessage(m *diag.Message) {
	at := m.Position
	at.File = shortPath(at.File)
	place := at.String()
	if place != "" {
		place += ": "
	}
	key := m.Key
	if key != "" {
		key += ": "
	}
	fmt.Fprintf(c.stderr, "suiro: %s%s: %s%s\n", place, m.Severity, key, m.Text)
	if m.Hint != "" {
		fmt.Fprintf(c.stderr, "       hint: %s\n", m.Hint)
	}
}

// shortPath is a path as the user would type it from where they stand.
func shortPath(path string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	rel, err := filepath.Rel(here, path)
	if err != nil || len(rel) >= len(path) {
		return path
	}
	return rel
}

// shortDuration is d as a person reads it: "0.8 ms", "42 ms", "1.3 s".
func shortDuration(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func byteCount(n int) string {
	if n < 1024 {
		return strconv.Itoa(n) + " B"
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/1024)
}
