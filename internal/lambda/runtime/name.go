package runtime

import "strings"

// name is a runtime name taken apart.
type name struct {
	// language is node, python, ruby, java, dotnet or program; empty for a
	// name that Lambda never had.
	language string
	// version is as many numbers as tell interpreters apart: 22, 3.12.
	version string
}

var title = map[string]string{"node": "Node.js", "python": "Python", "ruby": "Ruby"}

// parseName reads the runtime names of all times (Lambda runtimes guide):
// nodejs22.x and nodejs8.10, python3.12, ruby3.3, provided.al2023, go1.x.
func parseName(s string) name {
	version := func(prefix string) string { return strings.TrimSuffix(strings.TrimPrefix(s, prefix), ".x") }
	switch {
	case s == "provided", strings.HasPrefix(s, "provided."), s == "go1.x":
		return name{language: "program"}
	case s == "nodejs": // Node.js 0.10, the first one
		return name{"node", "0"}
	case strings.HasPrefix(s, "nodejs"):
		major, _, _ := strings.Cut(version("nodejs"), ".")
		return numbered("node", major)
	case s == "python2.7":
		// Python 2 code mostly does not run on 3, but the interpreter is gone.
		return name{"python", "3.8"}
	case strings.HasPrefix(s, "python"):
		return numbered("python", version("python"))
	case strings.HasPrefix(s, "ruby"):
		return numbered("ruby", version("ruby"))
	case strings.HasPrefix(s, "java"):
		// java8.al2 is Java 8 on another system.
		return numbered("java", strings.TrimSuffix(version("java"), ".al2"))
	case strings.HasPrefix(s, "dotnet"):
		return name{language: "dotnet"}
	}
	return name{}
}

// numbered refuses versions that are no numbers: they end up in file names.
func numbered(language, version string) name {
	if version == "" || strings.Trim(version, "0123456789.") != "" {
		return name{}
	}
	return name{language, version}
}

// matches tells whether an interpreter's version is the wanted one.
func (n name) matches(have string) bool {
	return have == n.version || strings.HasPrefix(have, n.version+".")
}
