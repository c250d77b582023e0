package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// The tables of docs/performance.md stand between these lines; a picture of
// the curves stands beside the file.
const (
	figuresBegin = "<!-- figures: written by bench -docs -->"
	figuresEnd   = "<!-- end of figures -->"
)

// document puts the figures of an earlier run into the page.
func (b *bench) document(from, docs string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &b.report); err != nil {
		return err
	}
	if docs == "" {
		fmt.Print(b.markdown())
		return nil
	}
	return b.insert(docs)
}

// insert replaces what stands between the marks of a page.
func (b *bench) insert(docs string) error {
	page, err := os.ReadFile(docs)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(page), figuresBegin)
	_, after, ends := strings.Cut(rest, figuresEnd)
	if !begins || !ends {
		return fmt.Errorf("%s has no lines %q and %q", docs, figuresBegin, figuresEnd)
	}
	text := b.markdown()
	if svg := b.curves(); svg != "" {
		picture := strings.TrimSuffix(docs, ".md") + ".svg"
		if err := os.WriteFile(picture, []byte(svg), 0o644); err != nil {
			return err
		}
		text += "\n![cost of one more over sizes](" + filepath.Base(picture) + ")\n"
	}
	return os.WriteFile(docs, []byte(before+figuresBegin+"\n\n"+text+"\n"+figuresEnd+after), 0o644)
}

// markdown is the report as a table.
func (r *report) markdown() string {
	out := new(strings.Builder)
	fmt.Fprintf(out, "Suiro of commit %s, %s; %d rounds; load average before each benchmark %s. Medians with (smallest..largest).\n\n", r.Commit, r.Machine, r.Rounds, r.loads())
	if len(r.Missing) > 0 {
		fmt.Fprintf(out, "Missing here: %s.\n\n", strings.Join(r.Missing, "; "))
	}
	out.WriteString("| benchmark | case | what | Suiro | against | ratio | target |\n|---|---|---|---|---|---|---|\n")
	for _, f := range r.Figures {
		var others []string
		for i, s := range f.Sides[1:] {
			others = append(others, s.Name+" "+spread(s)+further(i+1, s, "✓", "**missed**"))
		}
		ratio := "–"
		if f.Ratio != 0 {
			ratio = fmt.Sprintf("%.2f", f.Ratio)
		}
		verdict := f.Target
		if f.Met != nil {
			verdict += map[bool]string{true: " ✓", false: " **missed**"}[*f.Met]
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s | %s |\n", f.Benchmark, f.Case, f.What, spread(f.Sides[0]), strings.Join(others, " · "), ratio, verdict)
	}
	return out.String()
}

func spread(s *side) string {
	return fmt.Sprintf("%s (%s..%s)", short(s.Median), short(s.Min), short(s.Max))
}

func (r *report) loads() string {
	least, most := math.Inf(1), 0.0
	for _, l := range r.Load {
		least, most = min(least, l), max(most, l)
	}
	return fmt.Sprintf("%.1f to %.1f", least, most)
}

// machine is what a reader must know of it.
func machine() string {
	model := ""
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan() && model == ""; {
			if _, name, ok := strings.Cut(lines.Text(), "model name\t: "); ok {
				model = name + ", "
			}
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%d cores, %sLinux %s, %s", runtime.NumCPU(), model, strings.TrimSpace(string(kernel)), runtime.Version())
}

// point is the cost of one of so many.
type point struct{ n, cost float64 }

// curve finds the points of the linear benchmark by what they are of, and which
// side: 0 is Suiro's.
func (r *report) curve(what string, side int) []point {
	var out []point
	for _, f := range r.Figures {
		if f.Benchmark == "linear" && f.What == what && side < len(f.Sides) {
			var n float64
			if _, err := fmt.Sscan(f.Case, &n); err == nil {
				out = append(out, point{n, f.Sides[side].Median})
			}
		}
	}
	slices.SortFunc(out, func(a, b point) int { return int(a.n - b.n) })
	return out
}

// costs are what the linear benchmark tells of one: CPU and memory.
func (r *report) costs() (whats []string) {
	for _, f := range r.Figures {
		if f.Benchmark == "linear" && !slices.Contains(whats, f.What) && (strings.HasPrefix(f.What, "CPU") || strings.HasPrefix(f.What, "RSS")) {
			whats = append(whats, f.What)
		}
	}
	return whats
}

// curves draws the cost of one more, relative to the smallest size: flat is
// linear in the whole.
func (r *report) curves() string {
	colours := []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c6d00"}
	const width, height, left, bottom = 720, 320, 50, 40
	x := func(n float64) float64 { return left + math.Log10(max(n, 1))/6*(width-left-220) }
	y := func(ratio float64) float64 { return height - bottom - min(ratio, 2)/2*(height-bottom-20) }
	out := new(strings.Builder)
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12"><rect width="100%%" height="100%%" fill="#fff"/>`, width, height)
	for _, ratio := range []float64{0, 0.5, 1, 1.2, 1.5, 2} {
		fmt.Fprintf(out, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="10" y="%.1f">%gx</text>`, left, width-220, y(ratio), y(ratio), y(ratio)+4, ratio)
	}
	for power := range 7 {
		fmt.Fprintf(out, `<text x="%.1f" y="%d">10^%d</text>`, x(math.Pow10(power))-8, height-20, power)
	}
	drawn := 0
	for _, what := range r.costs() {
		points := r.curve(what, 0)
		if len(points) < 2 || points[0].cost <= 0 {
			continue
		}
		colour := colours[drawn%len(colours)]
		var path []string
		for _, p := range points {
			path = append(path, fmt.Sprintf("%.1f,%.1f", x(p.n), y(p.cost/points[0].cost)))
			fmt.Fprintf(out, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x(p.n), y(p.cost/points[0].cost), colour)
		}
		fmt.Fprintf(out, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%d" y="%d" fill="%s">%s</text>`,
			strings.Join(path, " "), colour, width-210, 40+20*drawn, colour, what)
		drawn++
	}
	if drawn == 0 {
		return ""
	}
	return out.String() + "</svg>\n"
}
