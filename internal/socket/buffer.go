package socket

import "sync"

// buffer is a borrowed piece of memory. Sizes come in classes, so that a burst
// of large messages does not leave large buffers behind under small ones.
type buffer struct {
	b     []byte
	class int8 // -1: not from a pool
}

// The last class holds API Gateway's largest message and a frame header.
var bufferSizes = [...]int{512, 4 << 10, 33 << 10, 129 << 10}

var bufferPools [len(bufferSizes)]sync.Pool

// borrow returns an empty buffer with room for n bytes.
func borrow(n int) *buffer {
	for class, size := range bufferSizes {
		if n > size {
			continue
		}
		if b, ok := bufferPools[class].Get().(*buffer); ok {
			return b
		}
		return &buffer{b: make([]byte, 0, size), class: int8(class)}
	}
	return &buffer{b: make([]byte, 0, n), class: -1}
}

// release gives b back; nil is fine.
func (b *buffer) release() {
	if b == nil || b.class < 0 {
		return
	}
	b.b = b.b[:0]
	bufferPools[b.class].Put(b)
}

// grow returns a buffer with the same content and room for n more bytes; b
// must not be used afterwards.
func (b *buffer) grow(n int) *buffer {
	if cap(b.b)-len(b.b) >= n {
		return b
	}
	size := len(b.b) + n
	if size > bufferSizes[len(bufferSizes)-1] {
		size = max(size, 2*len(b.b)) // else a message of many small frames is copied for each
	}
	larger := borrow(size)
	larger.b = append(larger.b, b.b...)
	b.release()
	return larger
}
