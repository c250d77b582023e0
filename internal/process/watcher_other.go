//go:build !linux

package process

// watcher waits for the output and the ends of children, here with goroutines
// for each.
type watcher struct{}

func newWatcher() (*watcher, error) { return new(watcher), nil }

func (w *watcher) close() {}

// whenEnded runs f, which waits itself for the child's end.
func (w *watcher) whenEnded(_ int, f func()) { go f() }

// read hands over what comes through a pipe until it ends, and calls ended
// then.
func (w *watcher) read(o *output, ended func()) { go func() { o.run(); ended() }() }

// cut closes a pipe that does not end.
func (w *watcher) cut(o *output, _ func()) { _ = o.file.Close() }
