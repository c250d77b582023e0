package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// File is the path of a small value kept as JSON, for state that is read once
// at the start and rarely changes. "" keeps nothing.
type File string

// Load reads the value into v, which stays as it is when there is no file yet.
func (f File) Load(v any) error {
	if f == "" {
		return nil
	}
	data, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s is damaged: %w", f, err)
	}
	return nil
}

// Save keeps v, whole and on disk, before it returns; when it fails the file is
// what it was. It is not indented, so that a json.RawMessage comes back to the
// byte. Callers take turns.
func (f File) Save(v any) error {
	if f == "" {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	next := string(f) + ".new"
	w, err := os.OpenFile(next, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	if err = errors.Join(err, w.Sync(), w.Close()); err != nil {
		return err
	}
	if err := os.Rename(next, string(f)); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(string(f)))
}
