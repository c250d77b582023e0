//go:build unix && !linux

package process

import (
	"os"
	"syscall"
)

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func selfPath() (string, error) { return os.Executable() }

// wait reaps first: unlike Linux there is no waiting without reaping here, and
// the instant in which the number could be somebody else's is accepted.
func (g group) wait(child *os.Process, ended func()) (*os.ProcessState, error) {
	state, err := child.Wait()
	ended()
	return state, err
}

func (g group) sweep() {}

// killMarked cannot read another process's environment without help here; the
// groups are killed all the same.
func killMarked(string) {}

func peakResidentSize(int) int64 { return 0 }

func residentSize(int) int64 { return 0 }

// peakOf is in bytes on macOS.
func peakOf(state *os.ProcessState) int64 {
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		return int64(u.Maxrss)
	}
	return 0
}
