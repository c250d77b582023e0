package store_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/suiro-dev/suiro/internal/store"
)

// benchKey is 24 bytes whose order says nothing about i.
func benchKey(i uint64) []byte {
	h := fnv.New128a()
	_ = binary.Write(h, binary.BigEndian, i)
	return binary.BigEndian.AppendUint64(h.Sum(nil), i)
}

func BenchmarkCommit(b *testing.B) {
	for _, writers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := open(b, filepath.Join(b.TempDir(), "tables.db"))
			defer shut(b, s)
			value := make([]byte, 300)
			var n atomic.Uint64
			b.ReportAllocs()
			b.SetParallelism(writers) // times GOMAXPROCS goroutines; run with -cpu 1
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					key := benchKey(n.Add(1))
					if err := s.Commit(context.Background(), func(tx store.Tx) error { return tx.Put(key, value) }); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkGet(b *testing.B) {
	const rows = 20000
	s := open(b, filepath.Join(b.TempDir(), "tables.db"))
	defer shut(b, s)
	for i := 0; i < rows; i += 1000 {
		_ = s.Commit(context.Background(), func(tx store.Tx) error {
			for j := range 1000 {
				_ = tx.Put(benchKey(uint64(i+j)), make([]byte, 300))
			}
			return nil
		})
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		key := benchKey(uint64(i % rows))
		_ = s.View(func(v store.Snapshot) error {
			if value, err := v.Get(key); err != nil || len(value) != 300 {
				b.Fatal(value, err)
			}
			return nil
		})
	}
}
