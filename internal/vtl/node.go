package vtl

// node is a part of a template that renders itself into a run's output.
type node interface{ render(r *run) error }

// expression is a part of a directive or of a reference that has a value.
type expression interface {
	eval(r *run) (Value, error)
}

type (
	// text is printed as it is.
	text string

	// reference is $a.b(1)[2]; source is how it is written.
	reference struct {
		offset int
		source string
		quiet  bool
		name   string
		steps  []step
	}

	// escaped is a reference after backslashes.
	escaped struct {
		slashes int
		ref     *reference
	}

	set struct {
		offset int
		target *reference
		value  expression
	}

	branch struct {
		condition expression // nil: #else
		body      []node
	}

	conditional struct{ branches []branch }

	loop struct {
		offset int
		name   string
		over   expression
		body   []node
	}

	// macro is a #macro: a definition, which renders nothing.
	macro struct {
		parameters []string
		body       []node
	}

	call struct {
		offset int
		name   string
		source string
		args   []expression
	}

	breaking  struct{}
	stopping  struct{}
	returning struct{ value expression } // value may be nil
)

// step is what follows a reference's name.
type step struct {
	offset int
	name   string // a property or, when called, a method
	called bool
	args   []expression
	index  expression // [index]
}

type (
	literal  struct{ value Value }
	template struct{ nodes []node } // a text in double quotes
	list     struct{ items []expression }
	interval struct{ from, to expression }
	mapping  struct{ keys, values []expression }
	not      struct{ operand expression }
	negative struct {
		offset  int
		operand expression
	}
	binary struct {
		offset      int
		op          string
		left, right expression
	}
)
