package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// errNoCheckout says that a repository cannot be had: the app is not runnable.
var errNoCheckout = errors.New("no checkout")

// checkout copies the app's files to an empty folder, and returns the app's
// own folder in it. The files are those of the described commit.
func (d *description) checkout(ctx context.Context, apps, to string, log io.Writer) (string, error) {
	if d.Folder != "" {
		return filepath.Join(to, "app"), os.CopyFS(filepath.Join(to, "app"), os.DirFS(d.Folder))
	}
	git, err := d.repository(ctx, apps, log)
	if err != nil {
		return "", err
	}
	paths := append([]string{d.Path}, d.With...)
	args := append([]string{"--git-dir=" + git, "-c", "safe.directory=*", "archive", "--format=tar", d.Commit}, paths...)
	archive := exec.CommandContext(ctx, "git", args...)
	unpack := exec.CommandContext(ctx, "tar", "-x", "-C", to)
	pipe, err := archive.StdoutPipe()
	if err != nil {
		return "", err
	}
	unpack.Stdin = pipe
	archive.Stderr, unpack.Stderr = log, log
	if err := unpack.Start(); err != nil {
		return "", err
	}
	if err := archive.Run(); err != nil {
		_ = unpack.Wait()
		return "", fmt.Errorf("%w: commit %.12s of %s has no %s", errNoCheckout, d.Commit, d.Repository, strings.Join(paths, ", "))
	}
	return filepath.Join(to, filepath.FromSlash(d.Path)), unpack.Wait()
}

// repository is the git directory of the app's repository below apps, cloned
// when it is not there.
func (d *description) repository(ctx context.Context, apps string, log io.Writer) (string, error) {
	place := filepath.Join(apps, filepath.FromSlash(d.Repository))
	for _, dir := range []string{filepath.Join(place, ".git"), place, place + ".git"} {
		if _, err := os.Stat(filepath.Join(dir, "objects")); err == nil {
			return dir, nil
		}
	}
	url := "https://github.com/" + d.Repository
	fmt.Fprintf(log, "cloning %s\n", url)
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return "", err
	}
	clone := exec.CommandContext(ctx, "git", "clone", "--quiet", "--bare", url, place)
	clone.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
	clone.Stdout, clone.Stderr = log, log
	if err := clone.Run(); err != nil {
		return "", fmt.Errorf("%w: %s is not in %s and cannot be cloned", errNoCheckout, d.Repository, apps)
	}
	return place, nil
}
