package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// State is the app's state folder, held by this process alone.
type State struct {
	Dir  string
	lock *os.File
}

// OpenState makes the folder if need be and locks it. A second Suiro on the
// same folder is refused, also after a kill -9 of the first: the lock is the
// operating system's and dies with its owner.
func OpenState(dir string) (*State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the state folder: %w", err)
	}
	ignoreInGit(dir)
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the state folder: %w", err)
	}
	if err := lockFile(f); err != nil {
		holder, _ := os.ReadFile(path)
		_ = f.Close()
		who := ""
		if pid, err := strconv.Atoi(strings.TrimSpace(string(holder))); err == nil {
			who = fmt.Sprintf(" (process %d)", pid)
		}
		return nil, fmt.Errorf("another suiro%s runs this app already: %s is locked; stop it, or give this one a folder of its own with --data DIR", who, dir)
	}
	_ = f.Truncate(0)
	_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return &State{Dir: dir, lock: f}, nil
}

// InUse tells whether a Suiro runs on a state folder.
func InUse(dir string) bool {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // gives the lock back
	return lockFile(f) != nil
}

// ignoreInGit keeps state out of the user's repository without touching
// their own files.
func ignoreInGit(dir string) {
	path := filepath.Join(dir, ".gitignore")
	if _, err := os.Stat(path); err != nil {
		_ = os.WriteFile(path, []byte("*\n"), 0o644)
	}
}

// Remove empties the folder (--fresh) but keeps the lock.
func (s *State) Remove() error {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "lock" || e.Name() == ".gitignore" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(s.Dir, e.Name())); err != nil {
			return fmt.Errorf("emptying the state folder: %w", err)
		}
	}
	return nil
}

// Close gives the folder free.
func (s *State) Close() error { return s.lock.Close() }
