// Command bench measures Suiro against floors in the same run, alternately
// (A B A B …), and prints medians, spread and ratios. Server and client are
// separate processes; every loop is bounded.
//
//	SUIRO=../bin/suiro go run . [ready]
package main

import (
	"fmt"
	"os"
	"slices"
	"time"
)

// benchmarks by name, in the order they run.
var benchmarks = []struct {
	name string
	run  func(suiro string) error
}{
	{"ready", ready},
}

func main() {
	suiro := os.Getenv("SUIRO")
	if suiro == "" {
		suiro = "../bin/suiro"
	}
	only := os.Args[1:]
	for _, b := range benchmarks {
		if len(only) > 0 && !slices.Contains(only, b.name) {
			continue
		}
		if err := b.run(suiro); err != nil {
			fmt.Fprintf(os.Stderr, "bench %s: %v\n", b.name, err)
			os.Exit(1)
		}
	}
}

// sample is one side of a comparison.
type sample struct {
	name  string
	times []time.Duration
}

func (s *sample) median() time.Duration {
	sorted := slices.Sorted(slices.Values(s.times))
	return sorted[len(sorted)/2]
}

func (s *sample) String() string {
	sorted := slices.Sorted(slices.Values(s.times))
	return fmt.Sprintf("%-28s %8.1f ms (%.1f..%.1f)", s.name, ms(s.median()), ms(sorted[0]), ms(sorted[len(sorted)-1]))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
