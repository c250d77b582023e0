// Package nonblock reads and writes descriptors that never block, without
// telling Go's scheduler of the system call.
//
// The scheduler is told because a call may take long: it then gives the
// processor to other goroutines, and its watcher, which sleeps while nothing
// runs, is woken to see to that. In a server that waits for one request after
// the other every wait ends with that: a third of what a request costs were
// two switches to a thread that had nothing to do. A read or write of a socket
// in non-blocking mode, of no more than a buffer, is over in microseconds.
//
// It is so on Linux; elsewhere these are the usual calls.
package nonblock
