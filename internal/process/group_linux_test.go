package process

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Where the kernel shares the processor among sessions, children are in ours,
// and may not be stopped by its terminal.
func TestChildrenShareTheProcessorWithUs(t *testing.T) {
	ours, err := os.ReadFile("/proc/self/autogroup")
	if err != nil || !sharesSession() {
		t.Skip("the kernel does not share the processor among sessions")
	}
	_, l := shell(t, keeper(t), `echo "$(cat /proc/$$/autogroup)"; grep SigIgn /proc/$$/status; echo $$; cut -d" " -f5 /proc/$$/stat; echo end`)
	l.await(t, "stdout:end")
	lines := l.get()
	// Nothing is said of who is in no session's group, as all are whose session
	// is as old as the system.
	group := func(text string) string { name, _, _ := strings.Cut(strings.TrimSpace(text), " "); return name }
	if got := strings.TrimPrefix(lines[0], "stdout:"); group(got) != group(string(ours)) {
		t.Errorf("the child is in %s, we are in %s", got, ours)
	}
	ignored, err := strconv.ParseUint(strings.Fields(lines[1])[1], 16, 64)
	if stops := uint64(1<<(syscall.SIGTTIN-1) | 1<<(syscall.SIGTTOU-1)); err != nil || ignored&stops != stops {
		t.Errorf("%s: %v", lines[1], err)
	}
	if lines[2] != lines[3] {
		t.Errorf("process %s leads no group: it is in %s", lines[2], lines[3])
	}
}
