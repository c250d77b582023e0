//go:build unix

package bundle

import (
	"os/exec"
	"syscall"
)

// ownGroup starts cmd as the leader of a process group of its own, so that
// killGroup reaches what it started: go build starts compilers, make shells.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = groupAttributes() }

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
