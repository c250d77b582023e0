package request

import (
	"strings"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// reader reads members whose absence matters: a nil pointer is absent.
type reader struct {
	*attribute.Reader
}

func (r reader) text() *string {
	s := r.Text()
	return &s
}

func (r reader) truth() *bool {
	b := r.Truth()
	return &b
}

func (r reader) integer(typ string) *int64 {
	n := r.Integer(typ)
	return &n
}

func (r reader) texts() []string {
	list := []string{}
	for range r.List() {
		list = append(list, r.Text())
	}
	return list
}

// table reads a TableName, which may also be the table's ARN.
func (r reader) table() *string {
	s := TableName(r.Text())
	return &s
}

// TableName is the name in a table's ARN; what is no such ARN it leaves alone.
func TableName(s string) string {
	if !strings.HasPrefix(s, "arn:") {
		return s
	}
	if _, resource, ok := strings.Cut(s, ":table/"); ok {
		name, _, _ := strings.Cut(resource, "/")
		return name
	}
	return s
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
