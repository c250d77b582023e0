package store

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"runtime/debug"
	"sync"
	"time"
)

const (
	// A checkpoint is due when the log has so many bytes or rows since the
	// last one; both are twice that and more when writers are faster than it.
	checkpointBytes = 4 << 20
	checkpointRows  = 8192
	mostRows        = 4 * checkpointRows
	// checkpointStep is how many rows one transaction of a checkpoint writes:
	// bbolt holds every page it changes in memory, and rows may lie on as many
	// pages.
	checkpointStep = 2048
	// A checkpoint is made too when nobody has written for a while, or all the
	// while.
	checkpointIdle = 5 * time.Second
	checkpointAge  = time.Minute
)

// disk is the engine on files. What is committed goes to the log and to a
// tree in memory that lies over the base; checkpoints bring it to the base.
//
// A view reads the tree over the base. That the two are of one commit follows
// from three rules: a view takes both while nobody changes the tree; a
// checkpoint writes a tree that all views which have not yet begun have too, so
// that those see its rows there and never how many of them the base has got;
// and a commit that goes to the base at once finds the tree empty.
type disk struct {
	file string
	base *base
	seed maphash.Seed

	// checkpoints is held while the base is written to. It is taken before
	// writing, and that before edge.
	checkpoints sync.Mutex
	writing     sync.Mutex // guards log and fresh, and is held during a commit
	log         *log       // nil until something is written
	fresh       int        // rows in the log since the last checkpoint began
	edge        sync.RWMutex
	rows        *node

	keeper keeper
}

func openDisk(file string) (*disk, error) {
	b, m, err := openBase(file)
	if err != nil {
		return nil, err
	}
	d := &disk{file: file, base: b, seed: maphash.MakeSeed()}
	if m == nil {
		err = removeLog(file) // of a store that was closed just before it ended
	} else {
		d.log, err = openLog(file, *m, func(r record) error {
			d.rows, err = d.over(d.rows, r.rows, r.number)
			return err
		})
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	d.keeper.start(d, d.rows != nil)
	return d, nil
}

// over is a tree with a record's rows put into it.
func (d *disk) over(tree *node, rows []byte, number uint64) (*node, error) {
	err := eachRow(rows, func(key, value []byte) {
		tree = tree.put(newNode(d.seed, key, value, number))
		d.fresh++
	})
	return tree, err
}

func (d *disk) view(fn func(Snapshot) error) error {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	rows, err := d.snapshot()
	if err != nil {
		return err
	}
	defer rows.end()
	return fn(rows)
}

func (d *disk) snapshot() (layered, error) {
	d.edge.RLock()
	defer d.edge.RUnlock()
	rows, err := d.base.begin()
	return layered{d.rows, rows}, err
}

// setRows is called with writing held.
func (d *disk) setRows(rows *node) {
	d.edge.Lock()
	defer d.edge.Unlock()
	d.rows = rows
}

// layered reads a tree over the base.
type layered struct {
	over *node
	baseRows
}

func (s layered) Get(key []byte) ([]byte, error) {
	if n := s.over.find(key); n != nil {
		return n.value, nil
	}
	return s.baseRows.Get(key)
}

func (s layered) Scan(r Range, d Direction, visit func(key, value []byte) bool) error {
	c := s.over.cursor(r, d)
	return merge(func() (change, bool) {
		n := c.next()
		if n == nil {
			return change{}, false
		}
		return change{n.key, n.value}, true
	}, s.baseRows, r, d, visit)
}

func (d *disk) begin() (batch, error) {
	fault := debug.SetPanicOnFault(true)
	rows, err := d.snapshot()
	if err != nil {
		debug.SetPanicOnFault(fault)
		return nil, err
	}
	return diskBatch{rows, d, fault}, nil
}

// diskBatch belongs to one goroutine.
type diskBatch struct {
	layered
	disk  *disk
	fault bool // what SetPanicOnFault was
}

func (b diskBatch) rollback() {
	b.end()
	debug.SetPanicOnFault(b.fault)
}

func (b diskBatch) commit(writes []change) error {
	defer debug.SetPanicOnFault(b.fault)
	// A copy, because a value may be one that was read from the base's pages.
	r := makeRecord(writes)
	b.end() // before anything waits for readers
	logged, err := b.disk.append(r)
	if logged {
		return err
	}
	direct := b.disk.direct(r)
	if direct != nil && err != nil {
		return fmt.Errorf("%w; nor does the file itself take it: %w", err, direct)
	}
	return direct
}

// append commits a record by the log. Where the log does not take it, for its
// size, for a full disk, the base may.
func (d *disk) append(r []byte) (logged bool, err error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	if d.log == nil || d.fresh > mostRows || !d.log.takes(r) {
		return false, nil
	}
	if err := d.log.append(r); err != nil {
		return false, err
	}
	rows, err := d.over(d.rows, recordRows(r), d.log.number)
	if err != nil {
		return true, err
	}
	first := d.rows == nil
	d.setRows(rows)
	d.keeper.tell(first, d.log.used() >= checkpointBytes || d.fresh >= checkpointRows)
	return true, nil
}

// direct commits a record to the base. Nobody appends meanwhile, because whoever
// has the turn to commit is here.
func (d *disk) direct(r []byte) error {
	d.checkpoints.Lock()
	defer d.checkpoints.Unlock()
	if err := d.checkpoint(false); err != nil {
		return err
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	if d.log == nil {
		l, err := beginLog(d.file)
		if err != nil {
			return err
		}
		d.log = l
		d.base.crossed()
	}
	d.log.number++
	rows, err := d.over(nil, recordRows(r), d.log.number)
	if err == nil {
		err = d.base.save(rows, &mark{d.log.id, d.log.number}, math.MaxInt)
	}
	d.fresh = 0
	if err == nil {
		d.log.release(d.log.number)
	}
	return err
}

// checkpoint brings the rows in memory to the base and lets the log begin
// anew; the last one ends the log. The caller holds checkpoints. When it fails
// everything stays where it is.
func (d *disk) checkpoint(last bool) error {
	d.writing.Lock()
	if d.log == nil || d.rows == nil && d.log.doubtful == 0 && !last {
		d.writing.Unlock()
		return nil
	}
	// Views that have an earlier tree have begun; see disk.
	d.edge.Lock()
	rows := d.rows
	d.edge.Unlock()
	m := &mark{d.log.id, d.log.number}
	if last {
		m = nil
	}
	through := d.log.number
	d.log.turn()
	d.fresh = 0
	d.writing.Unlock()
	d.base.crossed()
	if err := d.base.save(rows, m, checkpointStep); err != nil {
		return err
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	d.setRows(d.rows.since(through))
	d.log.release(through)
	return nil
}

func (d *disk) close() error {
	d.keeper.stop()
	d.checkpoints.Lock()
	defer d.checkpoints.Unlock()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	err := d.checkpoint(true)
	if d.log != nil {
		ended := err == nil
		err = errors.Join(err, d.log.close())
		if ended {
			err = errors.Join(err, removeLog(d.file))
		}
	}
	return errors.Join(err, d.base.close())
}
