//go:build !windows

package socket

import (
	"syscall"

	"github.com/suiro-dev/suiro/internal/nonblock"
)

// rawTransport is the system's socket under a plain connection; nil when
// there is none (TLS), and then every frame is written by the writer.
func rawTransport(transport any) syscall.RawConn {
	t, ok := transport.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := t.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// tryWrite writes as much of b as the kernel takes at once, perhaps nothing,
// and writeDescriptor does on what the runtime's poller does not watch.
func tryWrite(raw syscall.RawConn, b []byte) (int, error) { return nonblock.TryRaw(raw, b) }

func writeDescriptor(fd int, b []byte) (int, error) { return nonblock.WriteSome(fd, b) }
