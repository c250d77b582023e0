//go:build linux

package process

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A child sees what is mounted for it, cannot write there, is who it was, and
// leaves nothing for others to see.
func TestMounts(t *testing.T) {
	if !CanMount() {
		t.Skip("this system allows no mount namespaces")
	}
	k := keeper(t)
	from, at := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(from, "layer"), []byte("#!/bin/sh\necho from the layer $1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 sandbox.localdomain\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	mounts := func(c *Command) { c.Mounts = []Mount{{from, at}, {hosts, "/etc/hosts"}} }
	p, l := shell(t, k, "'"+at+"/layer' one; (echo x >'"+at+"/new') 2>/dev/null || echo read-only; cat /etc/hosts; id -u; grep Cap[EA] /proc/self/status", mounts)
	<-p.Done()
	got := strings.Join(l.get(), "\n")
	for _, want := range []string{"from the layer one", "read-only", "127.0.0.1 sandbox.localdomain"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %s", got, want)
		}
	}
	if os.Geteuid() != 0 && !strings.Contains(got, "CapEff:\t0000000000000000") {
		t.Errorf("the child kept capabilities:\n%s", got)
	}
	if _, err := os.Stat(filepath.Join(at, "layer")); err == nil {
		t.Error("we see the mount too")
	}
	// What it starts and leaves ends with it, as without mounts.
	p, l = shell(t, k, "sleep 600 & echo $!; sleep 600", mounts)
	within(t, "the grandchild", func() bool { return len(l.get()) == 1 })
	pid, _ := strconv.Atoi(strings.TrimPrefix(l.get()[0], "stdout:"))
	p.Kill()
	<-p.Done()
	within(t, "the grandchild's end", func() bool { return gone(pid) })
	if p.Exit().Signal != "killed" {
		t.Errorf("exit %s", p.Exit())
	}
	// A program that is not there.
	p, err := k.Start(Command{Path: at + "/none", Output: l.add, Mounts: []Mount{{from, at}}})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if p.Exit().Code != 127 {
		t.Errorf("exit %s", p.Exit())
	}
}
