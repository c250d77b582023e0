package expression

import "github.com/suiro-dev/suiro/internal/dynamodb/attribute"

// Projection is the part of an item that a request asks for.
type Projection struct {
	b    *binding // nil for AttributesToGet
	tree branch
}

func newProjection(b *binding) *Projection {
	p := &Projection{b: b}
	for _, steps := range b.expr.paths {
		p.tree.grow(steps.resolve(b.names))
	}
	return p
}

// Apply cuts an item down to what is asked for: an empty item, not nil, if
// there is nothing of it. A nil Projection keeps everything.
func (p *Projection) Apply(it attribute.Item) attribute.Item {
	if p == nil || it == nil {
		return it
	}
	if shown := p.tree.cut(it); shown != nil {
		return shown
	}
	return attribute.Item{}
}

// Names are the top-level attributes asked for, sorted.
func (p *Projection) Names() []string {
	if p == nil {
		return nil
	}
	names := make([]string, len(p.tree.children))
	for i, c := range p.tree.children {
		names[i] = c.step.name
	}
	return names
}
