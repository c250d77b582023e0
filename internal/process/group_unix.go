//go:build unix

package process

import (
	"os"
	"os/signal"
	"syscall"
)

const needsWatchdog = true

// group is a child's process group, which is its session too as a rule (attributes).
type group struct {
	pid  int
	mark string // the environment variable that only this child's family has
}

func newGroup(p *os.Process, mark string) (group, error) { return group{p.Pid, mark}, nil }

func (g group) terminate() { _ = syscall.Kill(-g.pid, syscall.SIGTERM) }

func (g group) kill() { killGroup(g.pid) }

func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

func signalName(state *os.ProcessState) string {
	if s, ok := state.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		return s.Signal().String()
	}
	return ""
}

// watchdogAttributes puts the watchdog where no terminal signal reaches it.
func watchdogAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// ignoreSignals leaves the watchdog nothing to die of but SIGKILL and the end
// of its input.
func ignoreSignals() {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGQUIT)
}
