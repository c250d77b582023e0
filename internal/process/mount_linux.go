package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// mountArgument is the hidden first argument that makes a start of the binary
// mount things in a namespace of its own and become the child then.
const mountArgument = "__suiro-mount"

// CanMount tells whether [Command.Mounts] works here. It needs a user
// namespace, which some systems and most containers refuse, or to be root. The
// first call tries.
func CanMount() bool { return namespaces() != 0 }

// probeTime bounds the try, on any machine.
const probeTime = 10 * time.Second

// namespaces are the clone flags that work, 0 when none do.
var namespaces = sync.OnceValue(func() uintptr {
	if os.Getenv(watchdogVariable) != "" {
		return 0 // a probe that took itself for the program: Main was not called
	}
	for _, flags := range []uintptr{unix.CLONE_NEWNS, unix.CLONE_NEWUSER | unix.CLONE_NEWNS} {
		if flags == unix.CLONE_NEWNS && os.Geteuid() != 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), probeTime)
		defer cancel()
		probe := exec.CommandContext(ctx, "/proc/self/exe", mountArgument, "/proc/self=/proc/self", "--", "/bin/true")
		probe.SysProcAttr = enter(&syscall.SysProcAttr{}, flags)
		probe.Env = []string{watchdogVariable + "=1", "GORACE=atexit_sleep_ms=0"}
		if probe.Run() == nil {
			return flags
		}
	}
	return 0
})

// enter adds what makes a child start in namespaces of its own, as the user
// that it is, and able to mount there.
func enter(a *syscall.SysProcAttr, flags uintptr) *syscall.SysProcAttr {
	a.Cloneflags |= flags
	if flags&unix.CLONE_NEWUSER != 0 {
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
		a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN} // else exec takes it away
	}
	return a
}

// mounted is cmd behind the start that mounts. Where that cannot be the child
// starts without.
func mounted(cmd *exec.Cmd, c Command) *exec.Cmd {
	flags := namespaces()
	if len(c.Mounts) == 0 || flags == 0 || cmd.Err != nil {
		return cmd
	}
	args := []string{mountArgument}
	for _, m := range c.Mounts {
		args = append(args, m.Target+"="+m.Source)
	}
	outer := exec.Command("/proc/self/exe", append(append(args, "--", cmd.Path), cmd.Args[1:]...)...)
	outer.Dir, outer.Env = cmd.Dir, cmd.Env
	outer.SysProcAttr = enter(attributes(), flags)
	return outer
}

// mountMain is the start that mounts; it does not return when this is one.
func mountMain() {
	if len(os.Args) < 2 || os.Args[1] != mountArgument {
		return
	}
	runtime.LockOSThread() // capabilities are the thread's
	err := becomeMounted(os.Args[2:])
	fmt.Fprintln(os.Stderr, err)
	if errors.Is(err, os.ErrNotExist) {
		os.Exit(127) // as a shell has it
	}
	os.Exit(126)
}

func becomeMounted(args []string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	for ; len(args) > 0 && args[0] != "--"; args = args[1:] {
		target, source, _ := strings.Cut(args[0], "=")
		if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("mount %s at %s: %w", source, target, err)
		}
		readOnly(target)
	}
	if len(args) < 2 {
		return errors.New("no program to start")
	}
	// Not having had it is no error.
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	err := syscall.Exec(args[1], args[1:], os.Environ())
	return fmt.Errorf("fork/exec %s: %w", args[1], err)
}

// readOnly is best effort: flags that a mount has already may not be taken
// from it, so they are given again.
func readOnly(target string) {
	var s unix.Statfs_t
	if unix.Statfs(target, &s) != nil {
		return
	}
	flags := uintptr(unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY)
	for have, flag := range map[int64]uintptr{unix.ST_NOSUID: unix.MS_NOSUID, unix.ST_NODEV: unix.MS_NODEV,
		unix.ST_NOEXEC: unix.MS_NOEXEC, unix.ST_NOATIME: unix.MS_NOATIME, unix.ST_NODIRATIME: unix.MS_NODIRATIME, unix.ST_RELATIME: unix.MS_RELATIME} {
		if int64(s.Flags)&have != 0 {
			flags |= flag
		}
	}
	_ = unix.Mount("", target, "", flags, "")
}
