package main

import (
	"encoding/xml"
	"maps"
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

// The curves and the growth are of the points of one thing by their numbers,
// whatever the order in which they were measured.
func TestCurves(t *testing.T) {
	r := new(report)
	for _, x := range []struct {
		of, what string
		value    float64
	}{
		{"1000000 rows", "CPU, µs/Get", 110}, {"100 rows", "CPU, µs/Get", 100}, {"100 rows", "CPU, µs/Get", 100}, {"10000 rows", "CPU, µs/Get", 105},
		{"1000 sockets", "RSS, B/socket", 1000}, {"100000 sockets", "RSS, B/socket", 1300},
		{"1 streams", "median, µs/chunk", 5}, {"1 functions", "CPU, µs/invocation", 5},
	} {
		r.add("linear", x.of, x.what, "suiro", x.value, goal{})
	}
	r.growth()
	r.settle()
	got := make(map[string]bool)
	for _, f := range r.Figures {
		if f.Met != nil {
			got[f.Case+": "+f.What] = *f.Met
		}
	}
	want := map[string]bool{"growth, 1000000 over 100: CPU, µs/Get": true, "growth, 100000 over 1000: RSS, B/socket": false}
	if !maps.Equal(got, want) {
		t.Errorf("growth of %v", got)
	}
	var picture struct {
		Lines []struct {
			Points string `xml:"points,attr"`
		} `xml:"polyline"`
	}
	if err := xml.Unmarshal([]byte(r.curves()), &picture); err != nil {
		t.Fatal(err)
	}
	if len(picture.Lines) != 2 || len(strings.Fields(picture.Lines[0].Points)) != 3 || len(strings.Fields(picture.Lines[1].Points)) != 2 {
		t.Errorf("the picture has %+v", picture.Lines)
	}
}
