package process

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes makes a child lead a session of its own, unless the kernel shares
// the processor among sessions (sched(7), "The autogroup feature"). There the
// child stays in ours: each function would otherwise have as large a share as
// Suiro with all its connections, and would interrupt it with every answer; a
// message's way through a function cost nearly twice the time. Such a child
// leads a process group, to which no Ctrl-C comes either.
func attributes() *syscall.SysProcAttr {
	if sharesSession() {
		return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	}
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// sharesSession tells whether children stay in our session. They can then open
// its terminal; who reads it is to get an error, as without one, and not to be
// stopped: children inherit that these signals are ignored.
var sharesSession = sync.OnceValue(func() bool {
	enabled, err := os.ReadFile("/proc/sys/kernel/sched_autogroup_enabled")
	if err != nil || len(enabled) == 0 || enabled[0] != '1' {
		return false
	}
	signal.Ignore(syscall.SIGTTIN, syscall.SIGTTOU)
	return true
})

// selfPath works after the binary was replaced or removed, as by an upgrade.
func selfPath() (string, error) { return "/proc/self/exe", nil }

// wait calls ended when the child has ended and is not reaped yet, then reaps.
func (g group) wait(child *os.Process, ended func()) (*os.ProcessState, error) {
	if awaitExit(g.pid) != nil { // a kernel before 5.10
		for unix.Waitid(unix.P_PID, g.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		}
	}
	ended()
	return child.Wait()
}

// awaitExit waits until a child has ended, without reaping it. Its descriptor
// (pidfd) is waited for together with all others of this program: a system
// call that blocks would keep a thread for every child, and with it more
// memory than all else that a child costs here.
func awaitExit(pid int) error {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	defer func() { _ = f.Close() }()
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		var info unix.Siginfo
		for failed = unix.EINTR; failed == unix.EINTR; {
			failed = unix.Waitid(unix.P_PIDFD, int(fd), &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
		}
		if failed == unix.EAGAIN {
			failed = nil
		}
		return failed != nil || info.Signo != 0
	})
	return errors.Join(err, failed)
}

// sweep kills what left the group: job control keeps the session, if it is the
// child's, and a daemon still has the mark.
func (g group) sweep() {
	killFamily(func(pid int) bool {
		sid, err := unix.Getsid(pid)
		return err == nil && sid == g.pid || hasMark(pid, []byte(g.mark), false)
	})
}

// killMarked kills every process that carries a keeper's mark.
func killMarked(id string) {
	prefix := []byte(markVariable + "=" + id + ".")
	killFamily(func(pid int) bool { return hasMark(pid, prefix, true) })
}

// killFamily kills whoever belongs, and looks again until nobody is left, for
// those that were just being made.
func killFamily(belongs func(pid int) bool) {
	for range 50 {
		found := false
		eachProcess(func(pid int, p *os.Process) {
			if belongs(pid) {
				found = true
				_ = p.Kill()
			}
		})
		if !found {
			return
		}
	}
}

// hasMark looks for a variable among those a process was started with. A
// process that has ended and is not reaped has none.
func hasMark(pid int, mark []byte, prefix bool) bool {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false
	}
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.Equal(entry, mark) || prefix && bytes.HasPrefix(entry, mark) {
			return true
		}
	}
	return false
}

// eachProcess visits the processes there are, except this one. The handle is
// taken before fn looks at anything, so that what fn kills is what it saw even
// when the number is given to another process meanwhile (pidfd).
func eachProcess(fn func(pid int, p *os.Process)) {
	names, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, n := range names {
		pid, err := strconv.Atoi(n.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		p, err := os.FindProcess(pid)
		if err != nil {
			continue
		}
		fn(pid, p)
		_ = p.Release()
	}
}

// peakResidentSize is VmHWM.
func peakResidentSize(pid int) int64 { return statusField(pid, "VmHWM:") }

// residentSize is VmRSS.
func residentSize(pid int) int64 { return statusField(pid, "VmRSS:") }

func statusField(pid int, name string) int64 {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/status", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer func() { _ = unix.Close(fd) }()
	buf := readBuffers.Get().(*[readSize]byte)
	defer readBuffers.Put(buf)
	n, err := unix.Read(fd, buf[:]) // the kernel gives it in one piece
	if err != nil {
		return 0
	}
	_, rest, ok := bytes.Cut(buf[:n], []byte("\n"+name))
	if !ok {
		return 0
	}
	value, _, _ := bytes.Cut(bytes.TrimLeft(rest, " \t"), []byte(" "))
	kb, _ := strconv.ParseInt(string(value), 10, 64)
	return kb << 10
}

// peakOf is what the kernel says at the end, in KB on Linux. It covers
// children the process waited for as well.
func peakOf(state *os.ProcessState) int64 {
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss << 10
	}
	return 0
}
