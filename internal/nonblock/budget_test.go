//go:build !race

package nonblock

import "testing"

func TestReadsAndWritesAllocateNothing(t *testing.T) {
	c, far := pair(t)
	b, theirs := make([]byte, 16), make([]byte, 16)
	if n := testing.AllocsPerRun(100, func() {
		_, _ = c.Write(b)
		_, _ = far.Read(theirs)
		_, _ = far.Write(b)
		_, _ = c.Read(b)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
