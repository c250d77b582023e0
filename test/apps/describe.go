package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// description is one public app: where it is, how it starts, and what a
// client sees. README.md explains each key.
type description struct {
	ID         string            `yaml:"id"`
	Title      string            `yaml:"title"`
	Kind       string            `yaml:"kind"` // websocket, streaming, graphql, …: groups the table
	Repository string            `yaml:"repository"`
	Commit     string            `yaml:"commit"`
	Folder     string            `yaml:"folder"` // a local app instead of a repository, relative to the file
	Path       string            `yaml:"path"`
	With       []string          `yaml:"with"`     // more paths of the repository that the app reads
	Files      map[string]string `yaml:"files"`    // what the app lacks or asks its users to fill in, never code
	Template   string            `yaml:"template"` // what is handed to suiro dev, relative to path
	Tools      []string          `yaml:"tools"`    // programs the app needs
	Install    []string          `yaml:"install"`
	Parameters map[string]string `yaml:"parameters"`
	Env        map[string]string `yaml:"env"`
	Args       []string          `yaml:"args"`
	// Cannot says why the app does not run with Suiro yet.
	Cannot string `yaml:"cannot"`
	Note   string `yaml:"note"`
	Steps  []step `yaml:"steps"`
}

// step is one thing a client does or sees: exactly one of its keys is set.
type step struct {
	Open    *openStep    `yaml:"open"`
	Send    *sendStep    `yaml:"send"`
	Receive *receiveStep `yaml:"receive"`
	Silence *silenceStep `yaml:"silence"`
	Close   string       `yaml:"close"`
	Closed  *closedStep  `yaml:"closed"`
	HTTP    *httpStep    `yaml:"http"`
	SSE     *sseStep     `yaml:"sse"`
	GraphQL *graphqlStep `yaml:"graphql"`
	AWS     *commandStep `yaml:"aws"`
	Run     *commandStep `yaml:"run"`
	Log     *logStep     `yaml:"log"`
	Wait    duration     `yaml:"wait"`
}

// openStep opens a WebSocket; with Status the handshake must fail with it.
type openStep struct {
	As           string            `yaml:"as"`
	URL          string            `yaml:"url"`
	Headers      map[string]string `yaml:"headers"`
	Subprotocols []string          `yaml:"subprotocols"`
	Status       int               `yaml:"status"`
	Subprotocol  string            `yaml:"subprotocol"` // expected in the answer
}

type sendStep struct {
	To     string `yaml:"to"`
	Text   string `yaml:"text"`
	JSON   any    `yaml:"json"`
	Binary string `yaml:"binary"`
}

type receiveStep struct {
	From   string            `yaml:"from"`
	Text   string            `yaml:"text"`
	JSON   any               `yaml:"json"`
	Save   map[string]string `yaml:"save"`
	Within duration          `yaml:"within"`
	// Skip passes over frames that differ, up to the time-out.
	Skip bool `yaml:"skip"`
}

type silenceStep struct {
	From string   `yaml:"from"`
	For  duration `yaml:"for"`
}

type closedStep struct {
	From   string   `yaml:"from"`
	Code   int      `yaml:"code"`
	Within duration `yaml:"within"`
}

// httpStep sends a request and reads the answer as it comes.
type httpStep struct {
	Method  string            `yaml:"method"`
	URL     string            `yaml:"url"`
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"`
	JSON    any               `yaml:"json"`
	Sign    string            `yaml:"sign"` // the service to sign for
	Expect  answer            `yaml:"expect"`
	Within  duration          `yaml:"within"`
	// Retry repeats the request until the answer fits or the time is over.
	Retry duration `yaml:"retry"`
}

// answer is what an HTTP answer must be.
type answer struct {
	Status  int               `yaml:"status"`
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"`
	JSON    any               `yaml:"json"`
	// Order are texts that follow one another in the body.
	Order []string `yaml:"order"`
	// Spread is how far apart the first and the last chunk are at least: the
	// body came as it was written, and was not collected.
	Spread duration          `yaml:"spread"`
	Size   int               `yaml:"size"` // bytes at least
	Save   map[string]string `yaml:"save"`
}

type sseStep struct {
	httpStep `yaml:",inline"`
	Events   []any `yaml:"events"`
	Count    int   `yaml:"count"`
}

type graphqlStep struct {
	URL       string            `yaml:"url"`
	Key       string            `yaml:"key"`
	Headers   map[string]string `yaml:"headers"`
	Query     string            `yaml:"query"`
	Variables any               `yaml:"variables"`
	JSON      any               `yaml:"json"`
	Save      map[string]string `yaml:"save"`
}

// commandStep runs the AWS CLI or another program.
type commandStep struct {
	Args   string            `yaml:"args"`
	Env    map[string]string `yaml:"env"`
	Fails  bool              `yaml:"fails"`
	Text   string            `yaml:"text"`
	JSON   any               `yaml:"json"`
	Order  []string          `yaml:"order"`
	Save   map[string]string `yaml:"save"`
	Within duration          `yaml:"within"`
	Retry  duration          `yaml:"retry"`
}

// logStep waits for an entry of suiro's own output.
type logStep struct {
	Type     string   `yaml:"type"`
	Function string   `yaml:"function"`
	Text     string   `yaml:"text"`
	Within   duration `yaml:"within"`
}

// duration is written as Go writes it: 500ms, 3s.
type duration time.Duration

// UnmarshalYAML implements yaml.Unmarshaler.
func (d *duration) UnmarshalYAML(n *yaml.Node) error {
	v, err := time.ParseDuration(n.Value)
	*d = duration(v)
	return err
}

func (d duration) or(fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return time.Duration(d)
}

// kinds are the keys of a step that are set.
func (s step) kinds() []string {
	set := map[string]bool{
		"open": s.Open != nil, "send": s.Send != nil, "receive": s.Receive != nil, "silence": s.Silence != nil,
		"close": s.Close != "", "closed": s.Closed != nil, "http": s.HTTP != nil, "sse": s.SSE != nil,
		"graphql": s.GraphQL != nil, "aws": s.AWS != nil, "run": s.Run != nil, "log": s.Log != nil, "wait": s.Wait != 0,
	}
	var out []string
	for k, ok := range set {
		if ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// readDescriptions reads every description below dir, in the order of the
// names of the files. only picks by id; empty is all.
func readDescriptions(dir string, only []string) ([]*description, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var out []*description
	known := map[string]bool{}
	for _, file := range files {
		d, err := readDescription(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		if known[d.ID] {
			return nil, fmt.Errorf("%s: there is another app %s", filepath.Base(file), d.ID)
		}
		known[d.ID] = true
		if len(only) == 0 || slices.Contains(only, d.ID) {
			out = append(out, d)
		}
	}
	for _, id := range only {
		if !known[id] {
			return nil, fmt.Errorf("no app %s in %s", id, dir)
		}
	}
	return out, nil
}

func readDescription(file string) (*description, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := &description{Path: "."}
	if err := yaml.Load(data, d, yaml.WithKnownFields()); err != nil {
		return nil, err
	}
	if d.ID != strings.TrimSuffix(filepath.Base(file), ".yaml") {
		return nil, fmt.Errorf("the id %q is not the file's name", d.ID)
	}
	if d.Folder != "" {
		d.Folder = filepath.Join(filepath.Dir(file), filepath.FromSlash(d.Folder))
	}
	return d, d.check()
}

func (d *description) check() error {
	owner, name, ok := strings.Cut(d.Repository, "/")
	switch {
	case d.Title == "" || d.Kind == "":
		return fmt.Errorf("title and kind are needed")
	case (d.Folder == "") == (d.Repository == ""):
		return fmt.Errorf("either repository or folder is needed")
	case d.Repository != "" && (!ok || owner == "" || name == "" || strings.Contains(name, "/")):
		return fmt.Errorf("the repository is owner/name")
	case d.Repository != "" && len(d.Commit) != 40:
		return fmt.Errorf("the commit is 40 hexadecimal digits")
	case !filepath.IsLocal(filepath.FromSlash(d.Path)):
		return fmt.Errorf("the path must stay in the repository")
	case d.Cannot == "" && len(d.Steps) == 0:
		return fmt.Errorf("steps or cannot is needed")
	}
	for i, s := range d.Steps {
		if k := s.kinds(); len(k) != 1 {
			return fmt.Errorf("step %d has %d kinds (%s), not one", i+1, len(k), strings.Join(k, ", "))
		}
	}
	return nil
}
