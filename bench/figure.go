package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// report is everything a run of the bench measured.
type report struct {
	Commit  string `json:"commit"`
	Machine string `json:"machine"`
	Rounds  int    `json:"rounds"`
	// Load is the machine's load average before each benchmark: what others
	// do there spoils rates and latencies first, CPU and memory hardly.
	Load    map[string]float64 `json:"load"`
	Missing []string           `json:"missing,omitempty"` // what was asked for and could not be had, such as a peer
	Figures []*figure          `json:"figures"`

	mu sync.Mutex // of the figures, which several servers may add to
}

// figure is one thing measured of several sides, in turn.
type figure struct {
	Benchmark string  `json:"benchmark"`
	Case      string  `json:"case"`
	What      string  `json:"what"`
	Sides     []*side `json:"sides"` // Suiro first, then what it is held against
	// Ratio is Suiro's median over the first floor's; Difference is for
	// targets that are no ratio.
	Ratio      float64 `json:"ratio,omitempty"`
	Difference float64 `json:"difference,omitempty"`
	Target     string  `json:"target,omitempty"`
	Met        *bool   `json:"met,omitempty"`

	goal goal
}

// side is one of the things compared.
type side struct {
	Name   string    `json:"name"`
	Values []float64 `json:"values"`
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Ratio  float64   `json:"ratio,omitempty"` // Suiro's median over this one
	// Target and Met are of a side that has a target of its own, beside that
	// of the figure, which is against the first floor.
	Target string `json:"target,omitempty"`
	Met    *bool  `json:"met,omitempty"`

	goal goal
}

// goal is what a figure should reach; the zero goal is none.
type goal struct {
	text  string
	reach func(f *figure) bool
	ratio bool // it asks for another side
}

// none is no goal, for a figure of a kind that sometimes has one.
func (goal) none() goal { return goal{} }

func atMost(ratio float64) goal {
	return goal{fmt.Sprintf("≤ %gx", ratio), func(f *figure) bool { return f.Ratio <= ratio }, true}
}

func atLeast(ratio float64) goal {
	return goal{fmt.Sprintf("≥ %gx", ratio), func(f *figure) bool { return f.Ratio >= ratio }, true}
}

// within is for a figure that may be larger than the floor's by so much.
func within(more float64, unit string) goal {
	return goal{fmt.Sprintf("≤ +%g %s", more, unit), func(f *figure) bool { return f.Difference <= more }, true}
}

// below is for a figure by itself.
func below(most float64, unit string) goal {
	return goal{fmt.Sprintf("≤ %g %s", most, unit), func(f *figure) bool { return f.Sides[0].Median <= most }, false}
}

// add records one value. The first side that a figure meets in a round is
// Suiro.
func (r *report) add(benchmark, of, what, name string, value float64, g goal) {
	f, _ := r.value(benchmark, of, what, name, value)
	if g.reach != nil {
		f.goal = g
	}
}

// against records a value of a side that has a goal of its own: what Suiro
// should reach against that side.
func (r *report) against(benchmark, of, what, name string, value float64, g goal) {
	_, s := r.value(benchmark, of, what, name, value)
	s.goal = g
}

// drop forgets a figure.
func (r *report) drop(benchmark, of, what string) {
	r.Figures = slices.DeleteFunc(r.Figures, func(f *figure) bool { return f.Benchmark == benchmark && f.Case == of && f.What == what })
}

func (r *report) value(benchmark, of, what, name string, value float64) (*figure, *side) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := slices.IndexFunc(r.Figures, func(f *figure) bool { return f.Benchmark == benchmark && f.Case == of && f.What == what })
	if at < 0 {
		at = len(r.Figures)
		r.Figures = append(r.Figures, &figure{Benchmark: benchmark, Case: of, What: what})
	}
	f := r.Figures[at]
	i := slices.IndexFunc(f.Sides, func(s *side) bool { return s.Name == name })
	if i < 0 {
		i = len(f.Sides)
		f.Sides = append(f.Sides, &side{Name: name})
	}
	f.Sides[i].Values = append(f.Sides[i].Values, value)
	return f, f.Sides[i]
}

// settle computes what the values say.
func (r *report) settle() {
	for _, f := range r.Figures {
		for _, s := range f.Sides {
			sorted := slices.Sorted(slices.Values(s.Values))
			s.Median, s.Min, s.Max = sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1]
			if len(sorted)%2 == 0 {
				s.Median = (sorted[len(sorted)/2-1] + sorted[len(sorted)/2]) / 2
			}
		}
		if len(f.Sides) > 1 {
			f.Difference = f.Sides[0].Median - f.Sides[1].Median
			for _, s := range f.Sides[1:] {
				if s.Median != 0 {
					s.Ratio = f.Sides[0].Median / s.Median
				}
				if s.goal.reach != nil {
					met := s.goal.reach(&figure{Sides: []*side{f.Sides[0], s}, Ratio: s.Ratio, Difference: f.Sides[0].Median - s.Median})
					s.Met, s.Target = &met, s.goal.text
				}
			}
			f.Ratio = f.Sides[1].Ratio
		}
		if f.goal.reach != nil && (len(f.Sides) > 1 || !f.goal.ratio) {
			met := f.goal.reach(f)
			f.Met, f.Target = &met, f.goal.text
		}
	}
}

// print writes the figures of one benchmark as a table.
func (r *report) print(w io.Writer, benchmark string) {
	fmt.Fprintf(w, "\n%s\n", benchmark)
	for _, f := range r.Figures {
		if f.Benchmark != benchmark {
			continue
		}
		var sides []string
		for i, s := range f.Sides {
			sides = append(sides, s.Name+" "+spread(s)+further(i, s, "reached", "MISSED"))
		}
		verdict := ""
		if f.Ratio != 0 {
			verdict = fmt.Sprintf("%.2fx", f.Ratio)
		}
		if f.Met != nil {
			verdict += "  " + f.Target + map[bool]string{true: "  reached", false: "  MISSED"}[*f.Met]
		}
		fmt.Fprintf(w, "  %-22s %-18s %-78s %s\n", f.Case, f.What, strings.Join(sides, "   "), verdict)
	}
}

// further is the ratio, in brackets, to a side that is not the first floor, whose ratio has
// a column of its own, and what came of a side's own target.
func further(i int, s *side, reached, missed string) string {
	var words []string
	if i > 1 && s.Ratio != 0 {
		words = append(words, fmt.Sprintf("%.2fx", s.Ratio))
	}
	if s.Met != nil {
		words = append(words, s.Target+" "+map[bool]string{true: reached, false: missed}[*s.Met])
	}
	if words == nil {
		return ""
	}
	return " [" + strings.Join(words, ", ") + "]"
}

func short(v float64) string {
	switch {
	case cmp.Compare(v, 100) >= 0 || cmp.Compare(v, -100) <= 0:
		return fmt.Sprintf("%.0f", v)
	case v >= 10 || v <= -10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (r *report) encode(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}
