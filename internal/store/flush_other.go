//go:build !linux

package store

import "os"

// flush puts a file's content on the disk.
func flush(f *os.File) error { return f.Sync() }
