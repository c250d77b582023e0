//go:build !linux

package socket

import "time"

// Lot is where idle connections wait without a goroutine. On this system there
// is none: every connection keeps its goroutine.
type Lot struct {
	Linger time.Duration // of no meaning here
}

// Close implements what it does on Linux.
func (*Lot) Close() {}

func (*Lot) admit(*Conn) bool        { return false }
func (*Lot) dismiss(*Conn) transport { return nil }
func (*Lot) leave()                  {}
