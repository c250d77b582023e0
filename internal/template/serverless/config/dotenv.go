package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/suiro-dev/suiro/internal/diag"
	"github.com/suiro-dev/suiro/internal/document"
)

// Environment files, as the dotenv package reads them: KEY=value lines,
// `export` before them, quotes of three kinds, comments. Values may name other
// variables. The process environment always wins over them.

// loadDotenv reads .env files into l.dotEnv, the first to name a variable
// winning. Files that do not exist are no error.
func (l *loader) loadDotenv(names ...string) {
	for _, name := range names {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(l.dir, name)
		}
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			l.msgs.Add(diag.Errorf(diag.Position{File: path}, "", "reading the environment file: %v", err))
			continue
		}
		l.read(path)
		for _, v := range parseDotenv(string(data)) {
			if _, ok := l.dotEnv[v.name]; !ok {
				l.dotEnv[v.name] = expandDotenv(v.value, l.getenv)
			}
		}
	}
}

// serviceDotenv loads what the framework loads. Version 3 asks for useDotenv
// and reads .env only where there is no .env.{stage}; version 4 reads both
// unless useDotenv is false, and further files that useDotenv names.
func (l *loader) serviceDotenv() {
	use := l.root.Get("useDotenv")
	on, isBool := use.Truth()
	if isBool && !on {
		return
	}
	if !l.v4 {
		if !on {
			return
		}
		if _, err := os.Stat(filepath.Join(l.dir, ".env."+l.stage)); err == nil {
			l.loadDotenv(".env." + l.stage)
			return
		}
		l.loadDotenv(".env")
		return
	}
	l.loadDotenv(".env."+l.stage, ".env")
	if isBool {
		return
	}
	for _, name := range use.Strings() {
		if info, err := os.Stat(filepath.Join(l.dir, name)); err == nil && info.IsDir() {
			l.loadDotenv(filepath.Join(name, ".env."+l.stage), filepath.Join(name, ".env"))
			continue
		}
		l.loadDotenv(name)
	}
}

// getenv is the environment of the service: the process's own, then .env.
func (l *loader) getenv(name string) (string, bool) {
	if l.o.Env != nil {
		if v, ok := l.o.Env(name); ok {
			return v, true
		}
	}
	v, ok := l.dotEnv[name]
	return v, ok
}

// dotenvVar is one line that sets a variable.
type dotenvVar struct{ name, value string }

// dotenvLine matches such a line: a name, = or a colon with space, and a value
// that is quoted (perhaps over several lines) or ends at the line or a comment.
var dotenvLine = regexp.MustCompile("(?m)^[ \\t]*(?:export[ \\t]+)?([\\w.-]+)(?:[ \\t]*=[ \\t]*|:[ \\t]+)" +
	"('(?:\\\\'|[^'])*'|\"(?:\\\\\"|[^\"])*\"|`(?:\\\\`|[^`])*`|[^#\\r\\n]*)[ \\t]*(?:#.*)?$")

// parseDotenv reads the text of an environment file. Lines it cannot read are
// skipped, as dotenv skips them.
func parseDotenv(text string) []dotenvVar {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var out []dotenvVar
	for _, m := range dotenvLine.FindAllStringSubmatch(text, -1) {
		value := strings.TrimSpace(m[2])
		if n := len(value); n >= 2 && strings.IndexByte("'\"`", value[0]) >= 0 && value[n-1] == value[0] {
			quote := value[0]
			value = value[1 : n-1]
			if quote == '"' {
				value = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(value)
			}
		}
		out = append(out, dotenvVar{m[1], value})
	}
	return out
}

// dotenvRef matches a reference to another variable, or an escaped dollar.
var dotenvRef = regexp.MustCompile(`\\?\$(?:\{([A-Za-z_]\w*)(?::?-([^}]*))?\}|([A-Za-z_]\w*))`)

// expandDotenv replaces $NAME, ${NAME} and ${NAME:-default} in a value.
func expandDotenv(value string, getenv func(string) (string, bool)) string {
	return dotenvRef.ReplaceAllStringFunc(value, func(s string) string {
		if s[0] == '\\' {
			return s[1:]
		}
		m := dotenvRef.FindStringSubmatch(s)
		if v, ok := getenv(m[1] + m[3]); ok && v != "" {
			return v
		}
		return m[2]
	})
}

// PluginNames lists `plugins`, a list or {modules: [...], localPath}.
func PluginNames(cfg *document.Node) []*document.Node {
	n := cfg.Get("plugins")
	if n != nil && n.Kind == document.Map {
		n = n.Get("modules")
	}
	if n == nil {
		return nil
	}
	var out []*document.Node
	for _, it := range n.Items {
		if it.IsScalar() {
			out = append(out, it)
		}
	}
	return out
}

// pluginDotenv reads the .env files of serverless-dotenv-plugin, which looks
// for more of them than the framework.
func (l *loader) pluginDotenv() {
	for _, n := range PluginNames(l.root) {
		if n.Text != "serverless-dotenv-plugin" {
			continue
		}
		conf := l.root.Get("custom").Get("dotenv")
		if p := conf.Get("path"); p.IsScalar() {
			l.loadDotenv(p.Text)
			return
		}
		base := conf.Get("basePath").TextOr("")
		for _, name := range []string{".env." + l.stage + ".local", ".env." + l.stage, ".env.local", ".env"} {
			l.loadDotenv(filepath.Join(base, name))
		}
	}
}
