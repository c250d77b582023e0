package runtime

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
)

// The client for Node.js is many files here and one on disk: every file that
// Node.js looks for, reads and compiles by itself costs a start more than the
// code in it.
const (
	partsHead = "'use strict';\nconst parts = {\n"
	// A part that another one asks for is made once; every other name is a
	// module of Node.js or the function's.
	partsTail = `};
const made = {};
function part(name) {
  if (!parts[name]) return require(name);
  if (made[name]) return made[name].exports;
  const module = (made[name] = { exports: {} });
  parts[name](module, module.exports, part);
  return module.exports;
}
part('./main.js');
`
)

// nodeClient joins the scripts of the client into one.
func nodeClient() ([]byte, error) {
	files, err := fs.Glob(clients, "node/*.js")
	if err != nil {
		return nil, err
	}
	b := bytes.NewBufferString(partsHead)
	for _, file := range files {
		text, err := clients.ReadFile(file)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(b, "'./%s'(module, exports, require) {\n%s},\n", path.Base(file), text)
	}
	b.WriteString(partsTail)
	return b.Bytes(), nil
}
