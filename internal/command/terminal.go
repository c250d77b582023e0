package command

import (
	"io"
	"os"

	"golang.org/x/term"
)

// screen is the terminal of a person who types messages while others come in:
// what is being typed stays below them, and earlier lines come back with the
// arrow keys.
type screen struct {
	*term.Terminal
	restore func()
}

// openScreen takes the terminal over. Keys that would end the program are then
// read as the end of the input, so leave must be called on every way out.
func openScreen(in *os.File, out io.Writer) (*screen, error) {
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	s := &screen{
		Terminal: term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{in, out}, "> "),
		restore: func() { _ = term.Restore(int(in.Fd()), before) },
	}
	if width, height, err := term.GetSize(int(in.Fd())); err == nil {
		_ = s.SetSize(width, height)
	}
	return s, nil
}

// leave gives the terminal back, without the prompt.
func (x *connection) leave() {
	if x.screen == nil {
		return
	}
	s := x.screen
	x.screen = nil
	s.restore()
	_, _ = io.WriteString(x.cli.stdout, "\r\x1b[K")
}

// say writes lines where the person looks: above what is being typed.
func (x *connection) say(to io.Writer, text string) {
	if x.screen != nil {
		to = x.screen
	}
	_, _ = io.WriteString(to, text)
}
