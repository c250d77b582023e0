package table

import (
	"encoding/binary"
	"maps"
	"slices"
)

// A counts row is a sequence of three varints: an index's number (0 is the
// table itself), its items, their bytes.

func decodeCounts(row []byte) Counts {
	var c Counts
	for len(row) > 0 {
		var fields [3]int64
		for i := range fields {
			v, n := binary.Varint(row)
			if n <= 0 {
				return c
			}
			fields[i], row = v, row[n:]
		}
		count := Count{fields[1], fields[2]}
		if fields[0] == 0 {
			c.Table = count
		} else {
			if c.Indexes == nil {
				c.Indexes = map[uint32]Count{}
			}
			c.Indexes[uint32(fields[0])] = count
		}
	}
	return c
}

func (c Counts) append(dst []byte) []byte {
	add := func(number uint32, n Count) {
		dst = binary.AppendVarint(dst, int64(number))
		dst = binary.AppendVarint(dst, n.Items)
		dst = binary.AppendVarint(dst, n.Bytes)
	}
	add(0, c.Table)
	if len(c.Indexes) == 0 {
		return dst
	}
	for _, number := range slices.Sorted(maps.Keys(c.Indexes)) {
		add(number, c.Indexes[number])
	}
	return dst
}

func (c Count) plus(items, bytes int) Count {
	return Count{c.Items + int64(items), c.Bytes + int64(bytes)}
}
