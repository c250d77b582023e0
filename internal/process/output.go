package process

import (
	"bytes"
	"os"
	"sync"
)

// output turns what a child writes into lines.
type output struct {
	file   *os.File
	stream string
	emit   func(Line)
	key    int32 // the watcher's

	mu   sync.Mutex // held while bytes are read and handed over
	line []byte     // the line begun and not ended
}

// readSize is a pipe's capacity on Linux.
const readSize = 64 << 10

// run reads until the pipe ends.
func (o *output) run() {
	for o.await() == nil {
	}
	o.end()
}

// end hands over the line begun.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.endLine()
}

// take hands over the lines in b and keeps the rest.
func (o *output) take(b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			o.grow(b)
			return
		}
		if len(o.line) == 0 && i <= MaxLine {
			o.hand(b[:i])
		} else {
			o.grow(b[:i])
			o.hand(o.line)
			o.line = o.line[:0]
		}
		b = b[i+1:]
	}
}

// grow adds to the unfinished line, cutting it at MaxLine.
func (o *output) grow(b []byte) {
	for len(o.line)+len(b) > MaxLine {
		n := MaxLine - len(o.line)
		o.line = append(o.line, b[:n]...)
		o.hand(o.line)
		o.line, b = o.line[:0], b[n:]
	}
	o.line = append(o.line, b...)
}

func (o *output) endLine() {
	if len(o.line) > 0 {
		o.hand(o.line)
		o.line = nil
	}
}

func (o *output) hand(text []byte) {
	if o.emit != nil {
		o.emit(Line{Stream: o.stream, Text: bytes.TrimSuffix(text, []byte("\r"))})
	}
}
