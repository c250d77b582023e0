// Package diag holds messages about the user's files: templates, settings,
// handlers. A message is data (where, what, why, what to do) until the very
// end; only Render turns it into text, so that a terminal, a JSON line and an
// editor can show the same one.
//
// Every layer that reads what a user wrote returns a List instead of stopping
// at the first problem: a template with three mistakes says all three.
package diag

import (
	"fmt"
	"sort"
	"strings"
)

// Position is a place in a file the user can open. Line and Column count from
// 1; Line 0 means the whole file, an empty File a value that no file holds
// (a default, a value made by Suiro).
type Position struct {
	File   string
	Line   int
	Column int
}

// IsZero tells whether p names no place at all.
func (p Position) IsZero() bool { return p == Position{} }

// String is "file:line:column", shorter where parts are unknown.
func (p Position) String() string {
	switch {
	case p.File == "" && p.Line == 0:
		return ""
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Severity orders messages by what they mean for the app.
type Severity int

const (
	// Note: accepted and without effect on this machine (a log group, a tag).
	Note Severity = iota
	// Warning: the app starts, but something in it will be missed.
	Warning
	// Error: the app cannot start; Suiro exits with status 2.
	Error
)

func (s Severity) String() string {
	switch s {
	case Note:
		return "note"
	case Warning:
		return "warning"
	}
	return "error"
}

// Message is one thing to tell the user about their files.
type Message struct {
	Severity Severity
	Position Position
	// Key is the offending key or resource, e.g. "ChatApi.ProtocolType".
	Key string
	// Text says what is wrong, lower case, without a full stop.
	Text string
	// Hint says what the user can do; empty when Text says it all.
	Hint string
}

// Error makes a Message usable as a Go error.
func (m *Message) Error() string { return m.String() }

// String renders m on one line: "file:line:column: key: text".
func (m *Message) String() string {
	var b strings.Builder
	if p := m.Position.String(); p != "" {
		b.WriteString(p + ": ")
	}
	if m.Key != "" {
		b.WriteString(m.Key + ": ")
	}
	b.WriteString(m.Text)
	if m.Hint != "" {
		b.WriteString(" (" + m.Hint + ")")
	}
	return b.String()
}

// Errorf makes an error message at a position; key may be empty.
func Errorf(p Position, key, format string, args ...any) *Message {
	return &Message{Severity: Error, Position: p, Key: key, Text: fmt.Sprintf(format, args...)}
}

// Warningf makes a warning at a position; key may be empty.
func Warningf(p Position, key, format string, args ...any) *Message {
	return &Message{Severity: Warning, Position: p, Key: key, Text: fmt.Sprintf(format, args...)}
}

// Notef makes a note at a position; key may be empty.
func Notef(p Position, key, format string, args ...any) *Message {
	return &Message{Severity: Note, Position: p, Key: key, Text: fmt.Sprintf(format, args...)}
}

// WithHint adds what the user can do and returns m.
func (m *Message) WithHint(format string, args ...any) *Message {
	m.Hint = fmt.Sprintf(format, args...)
	return m
}

// List collects messages in the order they were found. The zero value is
// ready to use. It is not safe for concurrent use.
type List []*Message

// Add appends messages, skipping nil ones.
func (l *List) Add(ms ...*Message) {
	for _, m := range ms {
		if m != nil {
			*l = append(*l, m)
		}
	}
}

// HasErrors tells whether any message is an Error.
func (l List) HasErrors() bool {
	for _, m := range l {
		if m.Severity == Error {
			return true
		}
	}
	return false
}

// Err is nil when the list holds no Error, else the list itself.
func (l List) Err() error {
	if l.HasErrors() {
		return l
	}
	return nil
}

// Error joins the messages of severity Error, one a line.
func (l List) Error() string {
	var lines []string
	for _, m := range l {
		if m.Severity == Error {
			lines = append(lines, m.String())
		}
	}
	return strings.Join(lines, "\n")
}

// Sorted returns the messages by file, line and column, worst first within a
// line, without exact repetitions.
func (l List) Sorted() List {
	out := append(List(nil), l...)
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Position.File != b.Position.File {
			return a.Position.File < b.Position.File
		}
		if a.Position.Line != b.Position.Line {
			return a.Position.Line < b.Position.Line
		}
		if a.Position.Column != b.Position.Column {
			return a.Position.Column < b.Position.Column
		}
		return a.Severity > b.Severity
	})
	kept := out[:0]
	for i, m := range out {
		if i > 0 && *m == *out[i-1] {
			continue
		}
		kept = append(kept, m)
	}
	return kept
}
