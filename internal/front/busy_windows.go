package front

import (
	"errors"

	"golang.org/x/sys/windows"
)

// busy tells whether another port may do better: this one is bound, or
// Windows keeps it for itself (the ranges that Hyper-V excludes).
func busy(err error) bool {
	return errors.Is(err, windows.WSAEADDRINUSE) || errors.Is(err, windows.WSAEACCES) || errors.Is(err, errTaken)
}
