//go:build !windows

package store

// initialMap is the address space reserved for the file at Open: until it is
// used up, a growing file never has to wait for running views. It costs no
// memory and no disk.
const initialMap = 1 << 28
