//go:build !windows

package front

import (
	"errors"
	"os"
	"syscall"
)

// busy tells whether another port may do better: this one is bound, or needs
// privileges.
func busy(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, os.ErrPermission) || errors.Is(err, errTaken)
}
