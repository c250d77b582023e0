package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// outcome is how an app fared.
type outcome string

const (
	passed      outcome = "passed"
	failed      outcome = "failed"
	notRunnable outcome = "not runnable"
)

// result is one line of the table.
type result struct {
	ID         string  `json:"id"`
	Title      string  `json:"title"`
	Kind       string  `json:"kind"`
	Repository string  `json:"repository,omitempty"`
	Commit     string  `json:"commit,omitempty"`
	Path       string  `json:"path,omitempty"`
	Outcome    outcome `json:"outcome"`
	Why        string  `json:"why,omitempty"`
	Note       string  `json:"note,omitempty"`
	Steps      int     `json:"steps"` // that were done as described
	Seconds    float64 `json:"seconds"`
	Log        string  `json:"log,omitempty"`
}

// runner runs apps one after the other.
type runner struct {
	program string // suiro
	apps    string // the folder of checkouts
	tools   string // test/.tools
	work    string // where the copies and logs go
}

// all runs the apps, a few at a time, and returns their results in order.
func (r *runner) all(ctx context.Context, list []*description, jobs int, keep bool) []result {
	results := make([]result, len(list))
	var group sync.WaitGroup
	places := make(chan struct{}, max(jobs, 1))
	for i, d := range list {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			if ctx.Err() != nil {
				return
			}
			results[i] = r.run(ctx, d)
			line(os.Stdout, results[i])
			if !keep {
				_ = os.RemoveAll(filepath.Join(r.work, d.ID))
			}
		})
	}
	group.Wait()
	return results
}

// run copies an app, starts it and does its steps.
func (r *runner) run(ctx context.Context, d *description) (res result) {
	res = result{ID: d.ID, Title: d.Title, Kind: d.Kind, Repository: d.Repository, Commit: d.Commit, Path: d.Path, Note: strings.TrimSpace(d.Note)}
	began := time.Now()
	defer func() { res.Seconds = time.Since(began).Seconds() }()
	if d.Cannot != "" && len(d.Steps) == 0 {
		res.Outcome, res.Why = notRunnable, d.Cannot
		return res
	}
	for _, tool := range d.Tools {
		if _, err := exec.LookPath(tool); err != nil {
			res.Outcome, res.Why = notRunnable, tool+" is not installed"
			return res
		}
	}
	dir := filepath.Join(r.work, d.ID)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		res.Outcome, res.Why = failed, err.Error()
		return res
	}
	res.Log = filepath.Join(r.work, d.ID+".log")
	log, err := os.Create(res.Log)
	if err != nil {
		res.Outcome, res.Why = failed, err.Error()
		return res
	}
	defer log.Close()
	res.Steps, err = r.attempt(ctx, d, dir, log)
	switch {
	case err == nil:
		res.Outcome = passed
	case errors.Is(err, errNoCheckout):
		res.Outcome, res.Why = notRunnable, shorten(err.Error())
	case d.Cannot != "":
		res.Outcome, res.Why = notRunnable, d.Cannot
	default:
		res.Outcome, res.Why = failed, shorten(err.Error())
	}
	fmt.Fprintf(log, "\n%s: %s\n", res.Outcome, res.Why)
	return res
}

func (r *runner) attempt(ctx context.Context, d *description, dir string, log io.Writer) (int, error) {
	app, err := d.checkout(ctx, r.apps, dir, log)
	if err != nil {
		return 0, err
	}
	for name, text := range d.Files {
		if err := os.WriteFile(filepath.Join(app, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			return 0, err
		}
	}
	env := environment(d.Env)
	for _, command := range d.Install {
		fmt.Fprintf(log, "$ %s\n", command)
		cmd := exec.CommandContext(ctx, "sh", "-c", command)
		cmd.Dir, cmd.Env = app, env
		var said strings.Builder
		cmd.Stdout = io.MultiWriter(log, &said)
		cmd.Stderr = cmd.Stdout
		if err := cmd.Run(); err != nil {
			text := strings.TrimSpace(said.String())
			return 0, fmt.Errorf("installing: %s: %w: %s", command, err, text[max(0, len(text)-200):])
		}
	}
	suiro, err := start(ctx, r.program, app, d, env, log)
	if err != nil {
		return 0, err
	}
	defer suiro.stop()
	roots, err := trusted()
	if err != nil {
		return 0, err
	}
	s := &session{roots: roots, suiro: suiro, dir: app, tools: r.tools, env: env, saved: map[string]string{}, sockets: map[string]*socket{}}
	defer s.close()
	for i, st := range d.Steps {
		fmt.Fprintf(log, "step %d: %s\n", i+1, strings.Join(st.kinds(), ""))
		if err := s.do(ctx, st); err != nil {
			return i, fmt.Errorf("step %d (%s): %w", i+1, strings.Join(st.kinds(), ""), err)
		}
	}
	return len(d.Steps), nil
}

// environment is this process's, without what would lead an app to AWS, and
// with what the description gives.
func environment(more map[string]string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS")
	})
	env = append(env, "CI=true")
	for name, value := range more {
		env = append(env, name+"="+value)
	}
	return env
}

// authorityFile is the certificate authority that suiro made for this user.
func authorityFile() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "suiro", "ca.pem")
}

// trusted is what a client of this machine trusts: the system's authorities
// and suiro's own, once it has made one.
func trusted() (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if data, err := os.ReadFile(authorityFile()); err == nil {
		pool.AppendCertsFromPEM(data)
	}
	return pool, nil
}
