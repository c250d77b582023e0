// Command bench measures Suiro against floors and peers in the same run, in
// turn (A B A B …), and prints medians, spread and ratios. Servers and clients
// are processes of their own; every load ends. It runs on Linux.
//
//	SUIRO=../bin/suiro go run . [-rounds 5] [-peers] [-json FILE] [name,…]
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
	peers  bool
	report
}

type benchmark struct {
	name string
	run  func(b *bench) error
}

// benchmarks by name, in the order they run.
var benchmarks = []benchmark{
	{"cold", (*bench).cold},
	{"ready", (*bench).ready},
	{"message", (*bench).message},
	{"idle", (*bench).idlePlain},
	{"idle-tls", (*bench).idleTLS},
	{"post", (*bench).post},
	{"fanout", (*bench).fanout},
	{"chain", (*bench).chain},
	{"invoke", (*bench).invoke},
	{"stream", (*bench).stream},
	{"slow-streams", (*bench).slowStreams},
	{"tables", (*bench).tables},
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
	if len(os.Args) > 5 && os.Args[1] == "floor" || len(os.Args) == 3 && os.Args[1] == "floor" {
		return runFloor(os.Args[2:])
	}
	b := new(bench)
	flag.IntVar(&b.rounds, "rounds", 5, "how often each side is measured")
	flag.IntVar(&b.millis, "millis", 700, "how long one measurement of a rate takes")
	flag.IntVar(&b.idle, "idle", 10_000, "idle sockets, and those of a fan-out; two processes need so many file descriptors each")
	flag.IntVar(&b.slow, "streams", 200, "slow streams at the same time, with a function's process each")
	flag.BoolVar(&b.peers, "peers", false, "also measure peers, which are fetched by their package managers (minutes)")
	asJSON := flag.String("json", "", "write the report to this `file` too")
	flag.Parse()
	return b.all(flag.Args(), *asJSON)
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
	b.Rounds, b.Load = b.rounds, make(map[string]float64)
	var failed error
	for _, x := range benchmarks {
		if len(only) > 0 && !slices.Contains(only, x.name) {
			continue
		}
		began := time.Now()
		b.Load[x.name] = loadAverage()
		if err := x.run(b); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", x.name, err))
		}
		b.settle()
		b.print(os.Stdout, x.name)
		fmt.Printf("  (%.0f s, begun at a load average of %.1f)\n", time.Since(began).Seconds(), b.Load[x.name])
	}
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
