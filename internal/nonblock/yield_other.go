//go:build !linux

package nonblock

// Yield does nothing.
func Yield() {}
