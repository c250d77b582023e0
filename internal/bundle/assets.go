package bundle

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// bundleAssets are the files that go beside a bundle, relative to the code
// folder. With a bundler those that package.patterns name; without one the
// whole folder would be deployed, so everything in it is linked.
func (f Function) bundleAssets(explicit bool) ([]string, error) {
	if !explicit {
		entries, err := os.ReadDir(f.Dir)
		if err != nil {
			return nil, err
		}
		var names []string
		for _, e := range entries {
			if linkable(e.Name()) {
				names = append(names, e.Name())
			}
		}
		return names, nil
	}
	patterns := f.Metadata.Get("Suiro").Get("Patterns").Strings()
	match := compilePatterns(patterns)
	if !match.includes {
		return nil, nil
	}
	var files []string
	err := WalkSources(f.Dir, func(_, rel string, info fs.FileInfo) error {
		if info.Mode().IsRegular() && match.file(rel) {
			files = append(files, rel)
		}
		return nil
	})
	return files, err
}

func linkable(name string) bool { return !ignored[name] && !strings.HasPrefix(name, ".") }

// placeAssets puts the files beside the bundle in dir, never over its output.
func (f Function) placeAssets(dir string, assets []string, explicit bool) error {
	for _, a := range assets {
		from, to := filepath.Join(f.Dir, filepath.FromSlash(a)), filepath.Join(dir, filepath.FromSlash(a))
		if explicit {
			if exists(to) {
				continue
			}
			if err := copyFile(from, to); err != nil {
				return err
			}
		} else if err := linkMissing(from, to); err != nil {
			return err
		}
	}
	return nil
}

// linkMissing makes to stand for from. Where the bundle already made a folder
// of that name, what it lacks is linked inside.
func linkMissing(from, to string) error {
	if !exists(to) {
		if isDir(from) {
			return linkFolder(from, to)
		}
		return linkFile(from, to)
	}
	if !isDir(from) || !isDir(to) {
		return nil
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !linkable(e.Name()) {
			continue
		}
		if err := linkMissing(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// patternList is package.patterns: the last pattern that matches decides, and
// one that starts with "!" excludes (Serverless Framework guide, Packaging).
type patternList struct {
	rules []patternRule
	// includes tells whether any pattern adds files.
	includes bool
}

type patternRule struct {
	exclude bool
	match   *regexp.Regexp
}

func compilePatterns(patterns []string) patternList {
	var l patternList
	for _, p := range patterns {
		exclude := strings.HasPrefix(p, "!")
		l.rules = append(l.rules, patternRule{exclude, globRegexp(strings.TrimPrefix(strings.TrimPrefix(p, "!"), "./"))})
		l.includes = l.includes || !exclude
	}
	return l
}

func (l patternList) file(rel string) bool {
	for i := len(l.rules) - 1; i >= 0; i-- {
		if l.rules[i].match.MatchString(rel) {
			return !l.rules[i].exclude
		}
	}
	return false
}

// globRegexp translates a glob: * and ? stay within a folder, ** crosses
// folders, {a,b} is a choice.
func globRegexp(glob string) *regexp.Regexp {
	var b strings.Builder
	depth := 0
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case strings.HasPrefix(glob[i:], "**/"):
			b.WriteString(`(?:.*/)?`)
			i += 2
		case strings.HasPrefix(glob[i:], "**"):
			b.WriteString(`.*`)
			i++
		case c == '*':
			b.WriteString(`[^/]*`)
		case c == '?':
			b.WriteString(`[^/]`)
		case c == '{':
			b.WriteString(`(?:`)
			depth++
		case c == '}' && depth > 0:
			b.WriteString(`)`)
			depth--
		case c == ',' && depth > 0:
			b.WriteString(`|`)
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	b.WriteString(strings.Repeat(`)`, depth))
	return regexp.MustCompile(`^(?:` + b.String() + `)$`)
}
