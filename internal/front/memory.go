package front

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// memory is what an app's state file holds: the port of each endpoint, by
// logical id and kind ("ChatApi/websocket").
type memory struct {
	Ports map[string]int `json:"ports"`
}

// readMemory returns an empty memory also when the file cannot be read.
func readMemory(file string) (*memory, error) {
	empty := &memory{Ports: map[string]int{}}
	if file == "" {
		return empty, nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return empty, err
	}
	m := &memory{}
	if err := json.Unmarshal(data, m); err != nil {
		return empty, fmt.Errorf("reading %s: %w", file, err)
	}
	if m.Ports == nil {
		m.Ports = map[string]int{}
	}
	return m, nil
}

func (m *memory) write(file string) error {
	if file == "" {
		return nil
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(file, append(data, '\n'), 0o644)
}

// writeFile replaces a file at once: readers see the old or the new content,
// never a part. A file that holds data already is left alone.
func writeFile(name string, data []byte, mode fs.FileMode) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, data) {
		return nil
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // no longer there when all went well
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
