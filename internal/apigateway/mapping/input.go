package mapping

import (
	"github.com/suiro-dev/suiro/internal/jsonpath"
	"github.com/suiro-dev/suiro/internal/vtl"
)

// input is $input.
type input struct {
	in     *Input
	broken error // the body was asked for as JSON
}

func (i *input) Text() string { return string(i.in.Body) }

func (i *input) Property(name string) vtl.Value {
	if name == "body" {
		return string(i.in.Body)
	}
	return nil
}

func (i *input) Call(name string, args []vtl.Value) (v vtl.Value, known bool, err error) {
	switch name {
	case "json":
		path, err := oneText(args)
		if err != nil {
			return nil, true, err
		}
		v, err := i.json(path)
		return v, true, err
	case "path":
		path, err := oneText(args)
		if err != nil {
			return nil, true, err
		}
		v, err := i.path(path)
		return v, true, err
	case "params":
		v, known = i.params(args)
		return v, known, nil
	}
	return nil, false, nil
}

// document is the body as JSON; no body is an empty object, as API Gateway
// has it.
func (i *input) document() ([]byte, error) {
	if len(i.in.Body) == 0 {
		return []byte("{}"), nil
	}
	if !jsonpath.Valid(i.in.Body) {
		_, err := vtl.FromJSON(i.in.Body)
		i.broken = &BodyError{err}
		return nil, i.broken
	}
	return i.in.Body, nil
}

// find follows a path: found is nil where it leads nowhere.
func (i *input) find(text string) (found []byte, many bool, err error) {
	doc, err := i.document()
	if err != nil {
		return nil, false, err
	}
	path, err := jsonpath.Parse(text)
	if err != nil {
		return nil, false, err
	}
	if path.Definite() {
		if v, ok := path.Find(doc); ok {
			return v.Raw, false, nil
		}
		return nil, false, nil
	}
	list := []byte{'['}
	for n, v := range path.All(doc) {
		if n > 0 {
			list = append(list, ',')
		}
		list = append(list, v.Raw...)
	}
	return append(list, ']'), true, nil
}

// json is $input.json: compact JSON; what is not there is an empty text in
// quotes.
func (i *input) json(path string) (vtl.Value, error) {
	v, err := i.path(path)
	if err != nil {
		return nil, err
	}
	if v == (absent{}) {
		return `""`, nil
	}
	b, err := vtl.AppendJSON(nil, v)
	return string(b), err
}

// path is $input.path: a value that a template can go into.
func (i *input) path(path string) (vtl.Value, error) {
	raw, _, err := i.find(path)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return absent{}, nil
	}
	return vtl.FromJSON(raw)
}

// params is $input.params(): all parameters by kind, one of any kind (path,
// query string and header are looked through in this order), or one of a
// kind. One that there is none of is empty text.
func (i *input) params(args []vtl.Value) (vtl.Value, bool) {
	names := make([]string, len(args))
	for n, arg := range args {
		text, ok := arg.(string)
		if !ok {
			return nil, false
		}
		names[n] = text
	}
	kinds := []struct {
		name   string
		fields []Field
	}{{"path", i.in.Path}, {"querystring", i.in.Query}, {"header", i.in.Header}}
	if len(names) == 0 {
		all := vtl.NewMap()
		for _, k := range kinds {
			m := vtl.NewMap()
			for _, f := range k.fields {
				m.Put(f.Name, f.Value)
			}
			all.Put(k.name, m)
		}
		return all, true
	}
	if len(names) > 2 {
		return nil, false
	}
	for _, k := range kinds {
		if len(names) == 2 && names[0] != k.name {
			continue
		}
		if v, ok := find(k.fields, names[len(names)-1], k.name == "header"); ok {
			return v, true
		}
	}
	return "", true
}
