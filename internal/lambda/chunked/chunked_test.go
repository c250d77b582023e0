package chunked

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
	"testing/iotest"
)

// bufferSize is that of the readers below.
const bufferSize = 2 << 10

// chunkedText is text in chunks of a size.
func chunkedText(text string, size int) string {
	var b strings.Builder
	for len(text) > 0 {
		n := min(size, len(text))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, text[:n])
		text = text[n:]
	}
	return b.String() + "0\r\n"
}

// inPieces is a connection that yields so many bytes at a time.
type inPieces struct {
	io.Reader
	size  int
	early []byte
}

func (p *inPieces) Read(b []byte) (int, error) {
	if len(p.early) > 0 {
		n := copy(b, p.early)
		p.early = p.early[n:]
		return n, nil
	}
	return p.Reader.Read(b[:min(len(b), p.size)])
}

func (p *inPieces) unread(b []byte) { p.early = append(bytes.Clone(b), p.early...) }

func newChunks(wire string, size int) (*Body, *inPieces) {
	p := &inPieces{Reader: strings.NewReader(wire), size: size}
	return &Body{r: bufio.NewReaderSize(p, bufferSize)}, p
}

// Bytes in chunks of any size, arriving in pieces of any size, are the same
// body by Read, by Pass and by both, and end in front of the trailers.
func TestChunksOfAnySizeInPiecesOfAnySize(t *testing.T) {
	long := strings.Repeat("0123456789abcdefghijklm\n", 6000)
	for _, chunk := range []int{1, 15, 16, 2000, bufferSize, 32 << 10, 100_000, len(long)} {
		text := long[:min(len(long), max(5000, 3*chunk))]
		for _, piece := range []int{1, 3, 100, bufferSize - 1, bufferSize, bufferSize + 1, 5000, 1 << 20} {
			if len(text)/piece > 10_000 {
				continue // it would take seconds
			}
			for _, first := range []int{0, 10, 16, 4000} { // by read
				c, p := newChunks(chunkedText(text, chunk)+"\r\nnext", piece)
				got := make([]byte, first)
				n, err := io.ReadFull(c, got)
				if err != nil && first > 0 {
					t.Fatal(err)
				}
				var wire bytes.Buffer
				size, err := c.Pass(&wire, p, p.unread)
				wire.WriteString("0\r\n\r\n")
				passed, decoding := io.ReadAll(httputil.NewChunkedReader(&wire))
				rest, _ := io.ReadAll(c.r)
				if err != io.EOF || decoding != nil || string(got[:n])+string(passed) != text || int(size) != len(passed) || string(rest) != "\r\nnext" {
					t.Fatalf("chunks of %d in pieces of %d after %d: %d of %d, %v, %v, rest %.20q", chunk, piece, first, n+len(passed), len(text), err, decoding, rest)
				}
			}
		}
	}
}

// Neither Read nor Pass waits while it has something.
func TestChunksArriveBeforeTheirEnd(t *testing.T) {
	ours, theirs := io.Pipe()
	c := &Body{r: bufio.NewReaderSize(ours, bufferSize)}
	go func() { _, _ = io.WriteString(theirs, "10\r\nbegun") }()
	buf := make([]byte, 100)
	if n, err := c.Read(buf); n == 0 || err != nil {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	passed, out := io.Pipe()
	go func() { _, _ = c.Pass(out, ours, func([]byte) {}) }()
	lines := bufio.NewReader(passed)
	for _, step := range []struct{ written, passed string }{
		{"more", "4\r\nmore\r\n"}, {"7890123\r\n5\r\nfir", "7\r\n7890123\r\n5\r\nfir"}, {"st", "st"}, {"\r\n1;extension\r\nx", "\r\n1\r\nx\r\n"},
	} {
		go func() { _, _ = io.WriteString(theirs, step.written) }()
		got := make([]byte, len(step.passed))
		if _, err := io.ReadFull(lines, got); err != nil || string(got) != step.passed {
			t.Errorf("%q passes as %q, %v; want %q", step.written, got, err, step.passed)
		}
	}
	_ = theirs.Close()
	_ = passed.Close()
}

func TestDamagedChunks(t *testing.T) {
	for _, wire := range []string{
		"", "5", "5\r\nab", "5\r\nabcde", "5\r\nabcdeXX0\r\n", "x\r\n", "-1\r\n", "+5\r\nabcde\r\n0\r\n", "\r\n", "10000000000000000\r\n",
		"0x5\r\nabcde\r\n", "5\r\nabcde\r\n" + strings.Repeat("1", 3*bufferSize),
	} {
		c, _ := newChunks(wire, 1<<20)
		if _, err := io.ReadAll(c); err == nil {
			t.Errorf("read takes %.30q", wire)
		}
		c, p := newChunks(wire, 1<<20)
		if _, err := c.Pass(io.Discard, p, p.unread); err == nil || err == io.EOF {
			t.Errorf("pass takes %.30q: %v", wire, err)
		}
	}
	c, p := newChunks(chunkedText("text", 2), 100)
	if _, err := c.Pass(iotestWriter{}, p, p.unread); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("a writer that fails: %v", err)
	}
}

type iotestWriter struct{}

func (iotestWriter) Write([]byte) (int, error) { return 0, iotest.ErrTimeout }

// What Pass makes of any bytes is what a reader of chunks makes of them.
func FuzzChunks(f *testing.F) {
	f.Add([]byte(chunkedText("some text", 3)), 2)
	f.Add([]byte("5;a=b\r\nabcde\r\n0\r\n"), 100)
	f.Add([]byte("5\nabcde\r\n0\r\n"), 100)
	f.Fuzz(func(t *testing.T, wire []byte, size int) {
		if size < 1 {
			t.Skip()
		}
		c, _ := newChunks(string(wire), size)
		want, readErr := io.ReadAll(c)
		c, p := newChunks(string(wire), size)
		var out bytes.Buffer
		n, err := c.Pass(&out, p, p.unread)
		if (err == io.EOF) != (readErr == nil) {
			t.Fatalf("pass %v, read %v", err, readErr)
		}
		out.WriteString("0\r\n\r\n")
		got, _ := io.ReadAll(httputil.NewChunkedReader(&out))
		if err == io.EOF && (!bytes.Equal(got, want) || int(n) != len(got)) {
			t.Fatalf("pass %q, read %q", got, want)
		}
	})
}
