package main

import (
	"strings"
	"testing"
)

// A figure's target is against the first floor, a side's own against that side.
func TestTargetsOfFigureAndSide(t *testing.T) {
	r := new(report)
	for range 3 {
		r.add("idle", "10 sockets", "RSS, B/socket", "suiro", 60, atMost(1.5))
		r.add("idle", "10 sockets", "RSS, B/socket", "hijack", 50, atMost(1.5))
		r.against("idle", "10 sockets", "RSS, B/socket", "hybrid", 10, atMost(3))
	}
	r.Missing = []string{"dynalite: no npm"}
	r.settle()
	f := r.Figures[0]
	if len(r.Figures) != 1 || f.Met == nil || !*f.Met || f.Target != "≤ 1.5x" || f.Ratio != 1.2 {
		t.Errorf("the figure is %+v", f)
	}
	if s := f.Sides[2]; s.Met == nil || *s.Met || s.Ratio != 6 {
		t.Errorf("the side is %+v", s)
	}
	page := r.markdown()
	for _, want := range []string{
		"| idle | 10 sockets | RSS, B/socket | 60.0 (60.0..60.0) | hijack 50.0 (50.0..50.0) · hybrid 10.0 (10.0..10.0) [6.00x, ≤ 3x **missed**] | 1.20 | ≤ 1.5x ✓ |",
		"Missing here: dynalite: no npm.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

// A figure of one side has no ratio, and a target that asks for one stays open.
func TestTargetWithoutFloor(t *testing.T) {
	r := new(report)
	r.add("node", "1 client", "requests/s", "suiro", 60, atLeast(1))
	r.add("ready", "program", "MB", "suiro", 21, below(32, "MB"))
	r.settle()
	if f := r.Figures[0]; f.Met != nil || f.Target != "" {
		t.Errorf("held against nothing: %+v", f)
	}
	if f := r.Figures[1]; f.Met == nil || !*f.Met {
		t.Errorf("held against a number: %+v", f)
	}
}
