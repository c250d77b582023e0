package socket

import "syscall"

// rawTransport is nil: the sockets that Go makes on Windows have no write that
// does not wait.
func rawTransport(any) syscall.RawConn { return nil }

func tryWrite(syscall.RawConn, []byte) (int, error) { return 0, nil }

func writeDescriptor(int, []byte) (int, error) { return 0, nil }
