package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// logOf writes commits of a log to a segment's bytes and tells where each ends.
func logOf(id uint64, commits ...[]change) (b []byte, ends []int) {
	for i, writes := range commits {
		r := makeRecord(writes)
		number(r, id, uint64(i+1), uint64(i))
		b = append(b, r...)
		ends = append(ends, len(b))
	}
	return b, ends
}

func someCommits(n int) (commits [][]change) {
	for i := range n {
		commits = append(commits, []change{
			{fmt.Appendf(nil, "key-%d", i), bytes.Repeat([]byte{byte(i)}, i*5%23)},
			{[]byte("last"), fmt.Append(nil, i)},
			{[]byte("x"), nil},
		})
	}
	return commits
}

// read opens the log of two segments' bytes and lists the rows it has.
func read(t *testing.T, base string, m mark, segments ...[]byte) (rows []string, err error) {
	t.Helper()
	for i := range 2 {
		content := []byte{}
		if i < len(segments) {
			content = segments[i]
		}
		if err := os.WriteFile(segmentName(base, i), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := openLog(base, m, func(r record) error {
		rows = append(rows, fmt.Sprint("commit ", r.number))
		return eachRow(r.rows, func(key, value []byte) { rows = append(rows, fmt.Sprintf("%s=%q", key, value)) })
	})
	if err == nil {
		err = l.close()
	}
	return rows, err
}

// A log that ends anywhere, or goes on with anything from there, gives the
// commits that are whole before that place.
func TestTornLogIsCutAtTheLastWholeRecord(t *testing.T) {
	base := filepath.Join(inMemory(t), "tables.db")
	content, ends := logOf(7, someCommits(4)...)
	whole, err := read(t, base, mark{log: 7}, content)
	if err != nil || len(whole) != 4*4 {
		t.Fatalf("%q, %v", whole, err)
	}
	noise := make([]byte, len(content))
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	older, _ := logOf(6, someCommits(9)...)
	for cut := range len(content) + 1 {
		n := 0
		// The zeros behind a record may be lost without loss.
		for n < len(ends) && cut > ends[n]-recordAlign && cut >= recordHeader && wholeUntil(content[:cut], n+1) {
			n++
		}
		for name, tail := range map[string][]byte{
			"nothing": nil, "zeros": make([]byte, len(content)-cut), "noise": noise[cut:], "another log": older[cut:],
		} {
			rows, err := read(t, base, mark{log: 7}, slices.Concat(content[:cut], tail))
			if err != nil || len(rows) < 4*n || len(rows) > 4*n+4 || !slices.Equal(rows, whole[:len(rows)]) || len(rows) > 4*n && tail == nil {
				t.Fatalf("cut at byte %d, then %s: %q, %v", cut, name, rows, err)
			}
		}
	}
}

// wholeUntil tells whether n records can be parsed from b.
func wholeUntil(b []byte, n int) bool {
	for range n {
		_, size, ok := parseRecord(b, 7)
		if !ok {
			return false
		}
		b = b[size:]
	}
	return true
}

// A changed byte is an error, unless it looks like a write that was interrupted
// because nothing follows.
func TestDamagedLogIsRefused(t *testing.T) {
	base := filepath.Join(inMemory(t), "tables.db")
	content, ends := logOf(7, someCommits(4)...)
	whole, _ := read(t, base, mark{log: 7}, content)
	last := ends[len(ends)-2]
	for i := range content {
		damaged := slices.Clone(content)
		damaged[i] ^= 1 << rand.IntN(8)
		rows, err := read(t, base, mark{log: 7}, append(damaged, make([]byte, 1000)...))
		damage := (*CorruptError)(nil)
		switch {
		case errors.As(err, &damage) && strings.Contains(err.Error(), segmentName(base, 0)) && i < last:
		case err == nil && i >= last && slices.Equal(rows, whole[:12]):
		case err == nil && slices.Equal(rows, whole): // in the zeros behind a record
		default:
			t.Fatalf("byte %d of %d: %q, %v", i, len(content), rows, err)
		}
	}
}

// What the base has is not read again, whichever segment it is in.
func TestLogGoesOnBehindTheMark(t *testing.T) {
	base := filepath.Join(inMemory(t), "tables.db")
	content, ends := logOf(7, someCommits(6)...)
	a, b := content[:ends[3]], content[ends[3]:]
	newer := makeRecord([]change{{[]byte("k"), []byte("v")}})
	number(newer, 7, 8, 6) // 7 has failed
	for _, c := range []struct {
		name      string
		through   uint64
		segments  [][]byte
		first, to uint64
		damage    string
	}{
		{"nothing is in the base", 0, [][]byte{a, b}, 1, 6, ""},
		{"the other way round", 0, [][]byte{b, a}, 1, 6, ""},
		{"the first segment is in the base", 4, [][]byte{a, b}, 5, 6, ""},
		{"part of a segment is in the base", 5, [][]byte{a, b}, 6, 6, ""},
		{"all is in the base", 6, [][]byte{a, b}, 0, 0, ""},
		{"a segment begun anew over an older one", 6, [][]byte{slices.Concat(newer, content[len(newer):ends[3]]), b}, 8, 8, ""},
		{"a failed commit is in the base", 7, [][]byte{newer, b}, 8, 8, ""},
		{"the end of a segment is lost", 0, [][]byte{content[:ends[2]], b}, 0, 0, "commit 5 follows 4"},
		{"a segment is lost", 0, [][]byte{nil, b}, 0, 0, "commit 5 follows 4"},
		{"the base is an older one", 3, [][]byte{newer, b}, 0, 0, "commit 5 follows 4"},
		{"another log", 0, [][]byte{nil, nil}, 0, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := read(t, base, mark{7, c.through}, c.segments...)
			if c.damage != "" {
				if damage := (*CorruptError)(nil); !errors.As(err, &damage) || !strings.Contains(err.Error(), c.damage) {
					t.Fatalf("error is %v", err)
				}
				return
			}
			var commits []string
			for n := c.first; n > 0 && n <= c.to; n++ {
				commits = append(commits, fmt.Sprint("commit ", n))
			}
			got := slices.DeleteFunc(rows, func(r string) bool { return !strings.HasPrefix(r, "commit") })
			if err != nil || !slices.Equal(got, commits) {
				t.Errorf("%q, want %q: %v", got, commits, err)
			}
		})
	}
}

// Whatever a segment holds is read without a panic, and what is read is what
// a log with these records holds.
func FuzzSegment(f *testing.F) {
	content, ends := logOf(7, someCommits(5)...)
	f.Add(content, uint64(0))
	f.Add(content[:ends[2]+9], uint64(1))
	f.Add(slices.Concat(content[ends[2]:], content[ends[2]:]), uint64(3))
	f.Add(bytes.Repeat([]byte{0}, 100), uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, through uint64) {
		records, end, err := readSegment(b, 7, through)
		if err != nil {
			return
		}
		var again []byte
		for _, r := range records {
			var writes []change
			if eachRow(r.rows, func(key, value []byte) { writes = append(writes, change{key, value}) }) != nil {
				return
			}
			made := makeRecord(writes)
			number(made, 7, r.number, r.previous)
			again = append(again, made...)
		}
		if read, _, err := readSegment(again, 7, through); err != nil || len(read) != len(records) || end > len(b) {
			t.Errorf("%d records of %d: %v", len(read), len(records), err)
		}
	})
}
