package image

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// ignoreList is a .dockerignore: the last pattern that fits decides.
type ignoreList []ignorePattern

type ignorePattern struct {
	re   *regexp.Regexp
	keep bool
}

func readIgnore(context string) ignoreList {
	list := ignoreList{}
	text, err := os.ReadFile(filepath.Join(context, ".dockerignore"))
	if err != nil {
		return list
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, keep := strings.CutPrefix(line, "!")
		pattern = strings.TrimPrefix(path.Clean("/"+strings.TrimSpace(pattern)), "/")
		if pattern == "" {
			continue
		}
		if re, err := regexp.Compile("^" + ignoreRegexp(pattern) + "(/.*)?$"); err == nil {
			list = append(list, ignorePattern{re, keep})
		}
	}
	return list
}

// ignoreRegexp turns **, * and ? into a regular expression.
func ignoreRegexp(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case strings.HasPrefix(pattern[i:], "**/"):
			b.WriteString("(.*/)?")
			i += 2
		case strings.HasPrefix(pattern[i:], "**"):
			b.WriteString(".*")
			i++
		case c == '*':
			b.WriteString("[^/]*")
		case c == '?':
			b.WriteString("[^/]")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String()
}

// drops tells whether a path of the context stays out of images.
func (l ignoreList) drops(rel string) bool {
	out := false
	for _, p := range l {
		if p.re.MatchString(rel) {
			out = !p.keep
		}
	}
	return out
}
