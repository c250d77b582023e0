package stream

import (
	"context"
	"reflect"
	"testing"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
	"github.com/suiro-dev/suiro/internal/store"
)

// FuzzRecord: no bytes make a record fail but by an error, and what was
// written is what is read.
func FuzzRecord(f *testing.F) {
	s := store.OpenMemory()
	f.Cleanup(func() { _ = s.Close() })
	item := attribute.NewItem(attribute.Attribute{Name: "pk", Value: attribute.String("a")}, attribute.Attribute{Name: "n", Value: attribute.Int(7)})
	for i, view := range []string{KeysOnly, NewImage, OldImage, BothImage} {
		st := newStream(s, &Definition{Number: uint32(i), View: view, Hash: []string{"pk"}})
		for _, c := range []Change{{New: item}, {Old: item, New: item, ByService: true}, {Old: item}} {
			if c.New != nil {
				c.Encoded = attribute.AppendBinary(nil, c.New)
			}
			if err := s.Commit(context.Background(), func(tx store.Tx) error { return st.Append(tx, c) }); err != nil {
				f.Fatal(err)
			}
		}
		_ = s.View(func(v store.Snapshot) error {
			return v.Scan(store.Prefix(streamPrefix(rowRecord, uint32(i))), store.Ascending, func(_, value []byte) bool {
				f.Add(append([]byte(nil), value...))
				return true
			})
		})
		p, err := st.Read(0, 10, 0)
		if err != nil || len(p.Records) != 3 {
			f.Fatalf("%+v %v", p, err)
		}
		if r := p.Records[1]; view == BothImage && (!reflect.DeepEqual(r.Old, item) || !reflect.DeepEqual(r.New, item) || !r.ByService) {
			f.Errorf("%+v", r)
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if r, err := decodeRecord(recordRow(1, 2), value); err == nil {
			_ = r.Size()
		}
	})
}
