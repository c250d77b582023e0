package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"
)

// engine is the storage engine below Suiro's tables by itself: the same rows
// in a bbolt file opened as Suiro opens it, read and written without HTTP,
// signatures, expressions, items, checksums and the log that Suiro writes first.
type engine struct {
	db      *bolt.DB
	waiting chan *engineWrite
}

type engineWrite struct {
	do   func(*bolt.Bucket) error
	done chan error
}

var engineRows = []byte("rows")

// engineCommand asks the process of the engine for one measurement.
type engineCommand struct {
	Operation string
	Clients   int
	Length    time.Duration
}

// engineAnswer is a line of that process; the first says that it is filled.
type engineAnswer struct {
	pace
	Error string
}

// startEngine runs the engine in a process of its own, so that its CPU time
// is read as that of the servers.
func startEngine() (*server, error) {
	c, err := start(nil, os.Args[0], "engine")
	if err != nil {
		return nil, err
	}
	s := &server{child: c, name: "engine"}
	if _, err := s.engineAnswer(); err != nil {
		s.close()
		return nil, fmt.Errorf("starting the engine: %w\n%s", err, c.errors)
	}
	return s, nil
}

func (s *server) engineAnswer() (pace, error) {
	var a engineAnswer
	if err := s.readJSON(&a); err != nil {
		return pace{}, err
	}
	if a.Error != "" {
		return pace{}, errors.New(a.Error)
	}
	return a.pace, nil
}

func (s *server) engineRun(o operation, clients int, length time.Duration) (pace, error) {
	if err := json.NewEncoder(s.in).Encode(engineCommand{o.name, clients, length}); err != nil {
		return pace{}, err
	}
	return s.engineAnswer()
}

// serveEngine is the process; it ends with its input.
func serveEngine(in io.Reader, out io.Writer) error {
	dir, err := os.MkdirTemp("", "suiro-bench")
	if err != nil {
		return err
	}
	db, err := bolt.Open(filepath.Join(dir, "rows"), 0o600, &bolt.Options{
		FreelistType: bolt.FreelistMapType, InitialMmapSize: 1 << 28, NoStatistics: true,
	})
	// The file lives as long as the process, however that ends.
	if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
		return err
	}
	e := &engine{db, make(chan *engineWrite, 1024)}
	if err := db.Update(e.fill); err != nil {
		return err
	}
	go e.commits()
	answers := json.NewEncoder(out)
	if err := answers.Encode(engineAnswer{}); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var command engineCommand
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			return err
		}
		var a engineAnswer
		do, ok := e.operations()[command.Operation]
		if ok {
			a.pace, err = repeat(command.Clients, command.Length, do)
		} else {
			err = fmt.Errorf("the engine has no operation %q", command.Operation)
		}
		if err != nil {
			a.Error = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (e *engine) fill(tx *bolt.Tx) error {
	rows, err := tx.CreateBucket(engineRows)
	if err != nil {
		return err
	}
	for i := range 10 * partitions {
		if err := rows.Put(engineKey("p", i/10, i%10), []byte(padding)); err != nil {
			return err
		}
	}
	return nil
}

func engineKey(partition string, p, s int) []byte {
	return fmt.Appendf(nil, "%s%d\x00s%d", partition, p, s)
}

// commits makes one transaction of all writes that wait, and does not wait
// for company, which is how Suiro groups them.
func (e *engine) commits() {
	for first := range e.waiting {
		group := []*engineWrite{first}
		for len(e.waiting) > 0 {
			group = append(group, <-e.waiting)
		}
		err := e.db.Update(func(tx *bolt.Tx) error {
			rows := tx.Bucket(engineRows)
			for _, w := range group {
				if err := w.do(rows); err != nil {
					return err
				}
			}
			return nil
		})
		for _, w := range group {
			w.done <- err
		}
	}
}

func (e *engine) write(do func(*bolt.Bucket) error) error {
	w := &engineWrite{do, make(chan error, 1)}
	e.waiting <- w
	return <-w.done
}

// read copies up to so many values from a key on, while their keys begin with
// a prefix.
func (e *engine) read(from, prefix []byte, most int) error {
	return e.db.View(func(tx *bolt.Tx) error {
		var out [][]byte
		c := tx.Bucket(engineRows).Cursor()
		for k, v := c.Seek(from); k != nil && bytes.HasPrefix(k, prefix) && len(out) < most; k, v = c.Next() {
			out = append(out, bytes.Clone(v))
		}
		if len(out) != most {
			return fmt.Errorf("%d rows of %d", len(out), most)
		}
		return nil
	})
}

// operations are those of the table with the same names.
func (e *engine) operations() map[string]func() error {
	return map[string]func() error{
		"Put": func() error {
			key := engineKey("w", rand.IntN(partitions), rand.IntN(10))
			return e.write(func(rows *bolt.Bucket) error { return rows.Put(key, []byte(padding)) })
		},
		"Get": func() error {
			key := engineKey("p", rand.IntN(partitions), rand.IntN(10))
			return e.read(key, key, 1)
		},
		"Update": func() error {
			key := engineKey("c", rand.IntN(50), rand.IntN(10))
			return e.write(func(rows *bolt.Bucket) error {
				n, _ := strconv.Atoi(string(rows.Get(key))) // none is zero, as ADD has it
				return rows.Put(key, strconv.AppendInt(nil, int64(n+1), 10))
			})
		},
		"Query of 10": func() error {
			p := fmt.Appendf(nil, "p%d\x00", rand.IntN(partitions))
			return e.read(p, p, 10)
		},
		"Scan of 100": func() error { return e.read(nil, nil, 100) },
	}
}
