// Command bench measures Suiro against floors and peers in the same run, in
// turn (A B A B …), and prints medians, spread and ratios. Servers and clients
// are processes of their own; every load ends. It runs on Linux.
//
//	SUIRO=../bin/suiro go run . [-rounds 5] [-peers] [-json FILE] [-docs FILE] [name,…]
//	go run . -from FILE -docs ../docs/performance.md
//
// The same program is the floors, the clients and the functions.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/bench/floor"
	functions "github.com/suiro-dev/suiro/bench/function"
	"github.com/suiro-dev/suiro/bench/load"
)

// bench is one run.
type bench struct {
	suiro  string // the program
	rounds int
	millis int // of one measurement
	idle   int // sockets
	slow   int // streams
	many   int // idle sockets of the largest case
	rows   int // of the largest table
	peers  bool
	full   bool // however long it takes
	report
}

type benchmark struct {
	name string
	run  func(b *bench) error
	// limit is how long it may take on a quiet machine, several times over.
	limit time.Duration
}

// benchmarks by name, in the order they run.
var benchmarks = []benchmark{
	{"cold", (*bench).cold, time.Minute},
	{"ready", (*bench).ready, 2 * time.Minute},
	{"message", (*bench).message, 3 * time.Minute},
	{"idle", (*bench).idlePlain, 5 * time.Minute},
	{"idle-tls", (*bench).idleTLS, 3 * time.Minute},
	{"post", (*bench).post, 2 * time.Minute},
	{"fanout", (*bench).fanout, 2 * time.Minute},
	{"chain", (*bench).chain, 3 * time.Minute},
	{"invoke", (*bench).invoke, 4 * time.Minute},
	{"node", (*bench).node, 2 * time.Minute},
	{"stream", (*bench).stream, 2 * time.Minute},
	{"slow-streams", (*bench).slowStreams, 3 * time.Minute},
	{"options", (*bench).options, 2 * time.Minute},
	{"linear", (*bench).linear, 8 * time.Minute},
	{"tables", (*bench).tables, 8 * time.Minute},
}

// within runs a benchmark, and ends its processes when it takes too long:
// what it then meets is its error.
func (b *bench) within(x benchmark) error {
	limit := x.limit
	if b.peers {
		limit += 2*fetching + 5*time.Minute
	}
	if b.full {
		limit += 15 * time.Minute
	}
	done := make(chan error, 1)
	go func() { done <- x.run(b) }()
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
	}
	children.kill()
	select {
	case err := <-done:
		return fmt.Errorf("it took more than %s and was ended: %w", limit, err)
	case <-time.After(30 * time.Second):
		return fmt.Errorf("it took more than %s and did not end with its processes", limit)
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	if handler := os.Getenv("_HANDLER"); handler != "" {
		functions.Start(handler)
		return nil
	}
	if len(os.Args) > 1 && os.Args[1] == "load" {
		return load.Serve(os.Stdin, os.Stdout)
	}
	if len(os.Args) == 2 && os.Args[1] == "engine" {
		return serveEngine(os.Stdin, os.Stdout)
	}
	if len(os.Args) > 5 && os.Args[1] == "floor" || len(os.Args) == 3 && os.Args[1] == "floor" {
		return runFloor(os.Args[2:])
	}
	b := new(bench)
	flag.IntVar(&b.rounds, "rounds", 5, "how often each side is measured")
	flag.IntVar(&b.millis, "millis", 700, "how long one measurement of a rate takes")
	flag.IntVar(&b.idle, "idle", 10_000, "idle sockets, and those of a fan-out; two processes need so many file descriptors each")
	flag.IntVar(&b.many, "many", 100_000, "idle sockets of the largest case, over as many processes as file descriptors ask for")
	flag.IntVar(&b.rows, "rows", 1_000_000, "rows of the largest table")
	flag.BoolVar(&b.full, "full", false, "measure the largest table even where writing its rows takes more than two minutes")
	flag.IntVar(&b.slow, "streams", 1000, "slow streams at the same time, with a function's process each")
	flag.BoolVar(&b.peers, "peers", false, "also measure peers, which npm, mvn and go fetch (minutes); tables needs java too")
	asJSON := flag.String("json", "", "write the report to this `file` too")
	docs := flag.String("docs", "", "put the figures into this `file`, between its marks")
	from := flag.String("from", "", "take the figures from this report instead of measuring")
	flag.Parse()
	if *from != "" {
		return b.document(*from, *docs)
	}
	err := b.all(flag.Args(), *asJSON)
	if *docs != "" {
		err = errors.Join(err, b.insert(*docs))
	}
	return err
}

func runFloor(args []string) error {
	var o floor.Options
	if len(args) == 4 {
		o.TLS = args[1] == "true"
		o.Environments, _ = strconv.Atoi(args[2])
		o.Handler = args[3]
	}
	return floor.Serve(args[0], o)
}

func (b *bench) all(names []string, file string) (err error) {
	program := os.Getenv("SUIRO")
	if program == "" {
		program = "../bin/suiro"
	}
	if b.suiro, err = filepath.Abs(program); err != nil {
		return err
	}
	only := strings.FieldsFunc(strings.Join(names, ","), func(r rune) bool { return r == ',' })
	for _, name := range only {
		if !slices.ContainsFunc(benchmarks, func(x benchmark) bool { return x.name == name }) {
			return fmt.Errorf("no benchmark is called %q", name)
		}
	}
	if out, err := exec.Command("git", "describe", "--always", "--dirty").Output(); err == nil {
		b.Commit = strings.TrimSpace(string(out))
	}
	b.Machine = machine()
	b.Rounds, b.Load = b.rounds, make(map[string]float64)
	var failed error
	whole := time.Now()
	for _, x := range benchmarks {
		if len(only) > 0 && !slices.Contains(only, x.name) {
			continue
		}
		began := time.Now()
		b.Load[x.name] = loadAverage()
		if err := b.within(x); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", x.name, err)
			failed = errors.Join(failed, fmt.Errorf("%s: %w", x.name, err))
		}
		b.settle()
		b.print(os.Stdout, x.name)
		fmt.Printf("  (%.0f s, begun at a load average of %.1f)\n", time.Since(began).Seconds(), b.Load[x.name])
	}
	fmt.Printf("\n%.0f s in all\n", time.Since(whole).Seconds())
	if file != "" {
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		failed = errors.Join(failed, b.encode(f), f.Close())
	}
	return failed
}

// loadAverage is that of the last minute.
func loadAverage() (load float64) {
	data, _ := os.ReadFile("/proc/loadavg")
	_, _ = fmt.Sscan(string(data), &load)
	return load
}
