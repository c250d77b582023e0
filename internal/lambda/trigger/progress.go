package trigger

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/suiro-dev/suiro/internal/store"
)

// Rows of the store that belong to mappings; see ARCHITECTURE.md, State, for
// who has which.
const (
	rowMapping  = "m/" // UUID → settings of a mapping that the API made
	rowProgress = "p/" // UUID, "/", lane → how far it came
)

// position is how far a lane came in one stream.
type position struct {
	stream string // ARN: another stream of the table starts anew
	next   uint64 // the sequence number to go on from
}

func (p position) encode() []byte {
	return append(binary.BigEndian.AppendUint64(nil, p.next), p.stream...)
}

func decodePosition(b []byte) (p position, ok bool) {
	if len(b) < 8 {
		return p, false
	}
	return position{next: binary.BigEndian.Uint64(b), stream: string(b[8:])}, true
}

func progressRow(uuid string, lane int) []byte {
	return fmt.Appendf(nil, "%s%s/%02d", rowProgress, uuid, lane)
}

// save notes how far a lane came. It returns when that is on disk.
func (l *lane) save(ctx context.Context, next uint64) error {
	row, value := progressRow(l.set.UUID, l.number), position{l.set.Source, next}.encode()
	err := l.mapping.service.cfg.Store.Commit(ctx, func(tx store.Tx) error { return tx.Put(row, value) })
	if err == nil {
		l.saved = next
	}
	return err
}

// places finds where the lanes of a mapping go on: where they stopped; where
// the one furthest behind stopped when there were not as many, because the
// keys are dealt out anew; or at the mapping's starting position. All places
// are noted, so that LATEST means the same after a restart.
func (s *Service) places(ctx context.Context, set settings, from Stream) ([]uint64, error) {
	next := make([]uint64, set.ParallelizationFactor)
	err := s.cfg.Store.Commit(ctx, func(tx store.Tx) error {
		clear(next)
		known, err := progress(tx, set)
		if err != nil {
			return err
		}
		switch {
		case len(known) == len(next):
			copy(next, known)
			return nil
		case len(known) > 0:
			fill(next, slices.Min(known))
		case set.StartingPosition == latest:
			fill(next, from.Latest())
		}
		err = deleteAll(tx, []byte(rowProgress+set.UUID+"/"))
		for i, n := range next {
			err = errors.Join(err, tx.Put(progressRow(set.UUID, i), position{set.Source, n}.encode()))
		}
		return err
	})
	return next, err
}

func fill(next []uint64, n uint64) {
	for i := range next {
		next[i] = n
	}
}

// progress reads how far the lanes of a mapping came in its stream.
func progress(v store.Snapshot, set settings) (next []uint64, err error) {
	err = v.Scan(store.Prefix([]byte(rowProgress+set.UUID+"/")), store.Ascending, func(_, value []byte) bool {
		if p, ok := decodePosition(value); ok && p.stream == set.Source {
			next = append(next, p.next)
		}
		return true
	})
	return next, err
}

// forget removes everything about a mapping.
func (s *Service) forget(ctx context.Context, uuid string) error {
	if s.cfg.Store == nil {
		return nil
	}
	return s.cfg.Store.Commit(ctx, func(tx store.Tx) error {
		return errors.Join(tx.Delete([]byte(rowMapping+uuid)), deleteAll(tx, []byte(rowProgress+uuid+"/")))
	})
}

func deleteAll(tx store.Tx, prefix []byte) error {
	var rows [][]byte
	err := tx.Scan(store.Prefix(prefix), store.Ascending, func(key, _ []byte) bool {
		rows = append(rows, append([]byte(nil), key...))
		return true
	})
	for _, row := range rows {
		err = errors.Join(err, tx.Delete(row))
	}
	return err
}

// keep saves a mapping that the API made.
func (s *Service) keep(ctx context.Context, set settings) error {
	value, err := set.encode()
	if err != nil {
		return fmt.Errorf("write the event source mapping %s: %w", set.UUID, err)
	}
	return s.cfg.Store.Commit(ctx, func(tx store.Tx) error { return tx.Put([]byte(rowMapping+set.UUID), value) })
}

func (s *Service) loadMappings() (all []settings, err error) {
	err = s.cfg.Store.View(func(v store.Snapshot) error {
		var broken error
		err := v.Scan(store.Prefix([]byte(rowMapping)), store.Ascending, func(_, value []byte) bool {
			var set settings
			if broken = json.Unmarshal(value, &set); broken != nil {
				return false
			}
			all = append(all, set)
			return true
		})
		return errors.Join(err, broken)
	})
	if err != nil {
		return nil, fmt.Errorf("read the event source mappings: %w", err)
	}
	return all, nil
}
