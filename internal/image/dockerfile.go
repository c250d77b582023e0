package image

import (
	"encoding/json"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
)

// Dockerfile is a parsed one (Dockerfile reference, docs.docker.com).
type Dockerfile struct {
	Instructions []*Instruction
}

// Instruction is one instruction with its continued lines.
type Instruction struct {
	Name  string // upper case
	Flags map[string]string
	Text  string   // what follows name and flags, lines joined
	List  []string // the JSON form, nil for the shell form
	// Docs are the bodies of here-documents, in their order.
	Docs []HereDoc
	Line int
}

// HereDoc is one here-document.
type HereDoc struct {
	Name, Body string
}

// Parse reads a Dockerfile. The error is a *diag.Message.
func Parse(file string, data []byte) (*Dockerfile, error) {
	out := &Dockerfile{}
	escape := byte('\\')
	lines := strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	directives := true
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if strings.HasPrefix(line, "#") {
			if directives {
				name, value, _ := strings.Cut(strings.TrimSpace(line[1:]), "=")
				if strings.EqualFold(strings.TrimSpace(name), "escape") && strings.TrimSpace(value) == "`" {
					escape = '`'
				}
			}
			continue
		}
		directives = false
		if line == "" {
			continue
		}
		in := &Instruction{Line: i + 1}
		var text string
		text, i = joinLines(lines, i, escape)
		name, rest, _ := strings.Cut(text, " ")
		if tab := strings.IndexByte(name, '\t'); tab >= 0 {
			name, rest = text[:tab], text[tab+1:]
		}
		in.Name = strings.ToUpper(name)
		if in.Name == "ONBUILD" || !known[in.Name] {
			if in.Name == "ONBUILD" {
				continue // for images made from this one
			}
			return nil, diag.Errorf(diag.Position{File: file, Line: in.Line}, "", "%q is no instruction of a Dockerfile", name)
		}
		in.readRest(strings.TrimSpace(rest))
		i = in.readDocs(lines, i)
		out.Instructions = append(out.Instructions, in)
	}
	return out, nil
}

var known = map[string]bool{
	"FROM": true, "RUN": true, "CMD": true, "LABEL": true, "MAINTAINER": true, "EXPOSE": true, "ENV": true, "ADD": true, "COPY": true,
	"ENTRYPOINT": true, "VOLUME": true, "USER": true, "WORKDIR": true, "ARG": true, "STOPSIGNAL": true, "HEALTHCHECK": true, "SHELL": true, "ONBUILD": true,
}

// joinLines is a line with those that continue it; comments and empty lines
// between them are dropped. It returns the number of the last one.
func joinLines(lines []string, i int, escape byte) (string, int) {
	var b strings.Builder
	for first := true; i < len(lines); i++ {
		line := lines[i]
		trimmed := strings.TrimSpace(line)
		if !first && (trimmed == "" || strings.HasPrefix(trimmed, "#")) {
			continue
		}
		if first {
			line = strings.TrimLeft(line, " \t")
		}
		first = false
		right := strings.TrimRight(line, " \t")
		if right == "" || right[len(right)-1] != escape {
			b.WriteString(line)
			return b.String(), i
		}
		b.WriteString(right[:len(right)-1])
	}
	return b.String(), i - 1
}

func (in *Instruction) readRest(rest string) {
	in.Flags = map[string]string{}
	if in.Name == "HEALTHCHECK" {
		in.Text = rest
		return
	}
	for strings.HasPrefix(rest, "--") {
		flag, after, _ := strings.Cut(rest, " ")
		name, value, _ := strings.Cut(flag[2:], "=")
		in.Flags[strings.ToLower(name)] = strings.Trim(value, `"`)
		rest = strings.TrimSpace(after)
	}
	in.Text = rest
	if strings.HasPrefix(rest, "[") {
		var list []string
		if json.Unmarshal([]byte(rest), &list) == nil {
			in.List = list
		}
	}
}

// readDocs takes the bodies of here-documents that the instruction names.
func (in *Instruction) readDocs(lines []string, i int) int {
	if in.Name != "RUN" && in.Name != "COPY" && in.Name != "ADD" {
		return i
	}
	for _, word := range strings.Fields(in.Text) {
		name, ok := strings.CutPrefix(word, "<<")
		if !ok || strings.HasPrefix(name, "<") {
			continue
		}
		strip := strings.HasPrefix(name, "-")
		name = strings.Trim(strings.TrimPrefix(name, "-"), `"'`)
		if name == "" {
			continue
		}
		var body []string
		for i+1 < len(lines) {
			i++
			line := lines[i]
			if strip {
				line = strings.TrimLeft(line, "\t")
			}
			if line == name {
				break
			}
			body = append(body, line)
		}
		in.Docs = append(in.Docs, HereDoc{name, strings.Join(body, "\n") + "\n"})
	}
	return i
}

// Command is the command of CMD and ENTRYPOINT.
func (in *Instruction) Command() []string {
	if in.List != nil {
		return in.List
	}
	if in.Text == "" {
		return nil
	}
	return []string{"/bin/sh", "-c", in.Text}
}

// Words are the words of the text, with quotes undone and variables put in.
func (in *Instruction) Words(value func(string) string) []string {
	if in.List != nil {
		out := make([]string, len(in.List))
		for i, w := range in.List {
			out[i] = in.Expand(w, value)
		}
		return out
	}
	var out []string
	for _, w := range splitWords(in.Text) {
		out = append(out, in.Expand(w, value))
	}
	return out
}

// Pairs are the NAME=value pairs of ENV and ARG; "ENV NAME value" is one too.
func (in *Instruction) Pairs(value func(string) string) [][2]string {
	words := splitWords(in.Text)
	if in.Name == "ENV" && len(words) > 1 && !strings.Contains(words[0], "=") {
		_, rest, _ := strings.Cut(in.Text, words[0])
		return [][2]string{{words[0], in.Expand(strings.TrimSpace(rest), value)}}
	}
	var out [][2]string
	for _, w := range words {
		name, v, _ := strings.Cut(w, "=")
		out = append(out, [2]string{name, in.Expand(v, value)})
	}
	return out
}

// splitWords splits at spaces outside quotes; quotes stay.
func splitWords(text string) []string {
	var out []string
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && quote != '\'':
			b.WriteByte(c)
			i++
			b.WriteByte(text[i])
		case quote != 0:
			if c == quote {
				quote = 0
			}
			b.WriteByte(c)
		case c == '"' || c == '\'':
			quote = c
			b.WriteByte(c)
		case c == ' ' || c == '\t' || c == '\n':
			if b.Len() > 0 {
				out = append(out, b.String())
				b.Reset()
			}
		default:
			b.WriteByte(c)
		}
	}
	if b.Len() > 0 {
		out = append(out, b.String())
	}
	return out
}

// Expand undoes quotes and puts variables in: $NAME, ${NAME}, ${NAME:-word},
// ${NAME:+word}.
func (in *Instruction) Expand(text string, value func(string) string) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && quote != '\'':
			i++
			b.WriteByte(text[i])
		case quote == '\'' && c != '\'':
			b.WriteByte(c)
		case c == '"' || c == '\'':
			switch quote {
			case 0:
				quote = c
			case c:
				quote = 0
			default:
				b.WriteByte(c)
			}
		case c == '$':
			v, n := variable(text[i:], value)
			b.WriteString(v)
			i += n - 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// variable expands the reference that text begins with, of n bytes.
func variable(text string, value func(string) string) (v string, n int) {
	if strings.HasPrefix(text, "${") {
		end := strings.IndexByte(text, '}')
		if end < 0 {
			return "$", 1
		}
		name := text[2:end]
		for _, op := range []string{":-", ":+"} {
			if before, word, ok := strings.Cut(name, op); ok {
				v = value(before)
				switch {
				case op == ":-" && v == "":
					v = word
				case op == ":+" && v != "":
					v = word
				}
				return v, end + 1
			}
		}
		return value(name), end + 1
	}
	n = 1
	for n < len(text) && (text[n] == '_' || text[n] >= '0' && text[n] <= '9' || text[n] >= 'a' && text[n] <= 'z' || text[n] >= 'A' && text[n] <= 'Z') {
		n++
	}
	if n == 1 {
		return "$", 1
	}
	return value(text[1:n]), n
}
