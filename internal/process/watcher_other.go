//go:build !linux

package process

import "syscall"

// watcher waits for the output and the ends of children, here with goroutines
// for each.
type watcher struct{}

func newWatcher() (*watcher, error) { return new(watcher), nil }

func (w *watcher) close() {}

// whenEnded runs f, which waits itself for the child's end.
func (w *watcher) whenEnded(_ int, f func()) { go f() }

// whenReadable is not to be had here.
func (w *watcher) whenReadable(syscall.Conn, func()) (cancel func(), ok bool) { return nil, false }

// read hands over what comes through a pipe until it ends, and calls ended
// then.
func (w *watcher) read(o *output, ended func()) { go func() { o.run(); ended() }() }

// cut closes a pipe that does not end.
func (w *watcher) cut(o *output, _ func()) { _ = o.file.Close() }
