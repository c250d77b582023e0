package bundle

import (
	"path"
	"strings"
)

// Handler is a Node.js handler string taken apart: "src/chat.api.main" is the
// module src/chat and the export api.main.
type Handler struct {
	Module string // slash path without extension
	Export string // names joined by dots
}

// ParseHandler splits at the first dot of the last path element, as the
// Node.js runtime does. ok is false when there is no dot, or nothing on one
// side of it.
func ParseHandler(s string) (h Handler, ok bool) {
	dir, base := path.Split(s)
	module, export, found := strings.Cut(base, ".")
	if !found || module == "" || export == "" {
		return Handler{}, false
	}
	return Handler{Module: dir + module, Export: export}, true
}
