package process

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// The job objects end with the handle Suiro holds, so nothing needs watching.
const needsWatchdog = false

// group is the job object a child and its descendants run in. A descendant
// started in the instant before the child joins its job escapes: the best that
// can be had without creating the child suspended.
type group struct {
	job windows.Handle
}

func newGroup(p *os.Process, _ string) (group, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return group{}, fmt.Errorf("make a job object: %w", err)
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	info.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err == nil {
		err = assign(job, p.Pid)
	}
	if err != nil {
		_ = windows.CloseHandle(job)
		return group{}, fmt.Errorf("put the process into a job object: %w", err)
	}
	return group{job}, nil
}

func assign(job windows.Handle, pid int) error {
	h, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(pid))
	if err != nil {
		return err
	}
	defer func() { _ = windows.CloseHandle(h) }()
	return windows.AssignProcessToJobObject(job, h)
}

func (g group) terminate() { g.kill() }

func (g group) kill() { _ = windows.TerminateJobObject(g.job, 1) }

func (g group) wait(child *os.Process, ended func()) (*os.ProcessState, error) {
	state, err := child.Wait()
	ended()
	return state, err
}

func (g group) sweep() { _ = windows.CloseHandle(g.job) }

func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}

func watchdogAttributes() *syscall.SysProcAttr { return nil }

func selfPath() (string, error) { return os.Executable() }

func ignoreSignals() {}

func killGroup(int) {}

func killMarked(string) {}

func signalName(*os.ProcessState) string { return "" }

func peakResidentSize(int) int64 { return 0 }

func residentSize(int) int64 { return 0 }

func peakOf(*os.ProcessState) int64 { return 0 }
