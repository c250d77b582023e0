package bundle

import "syscall"

// groupAttributes has the kernel end the tool when Suiro is killed.
func groupAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
