package load

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// streams reads Count streamed responses at the same time. Every tick of Tick
// bytes begins with the time it was made.
func streams(c *Command) (*Result, error) {
	var mu sync.Mutex
	var all, first latencies
	total := 0
	began := time.Now()
	var group errgroup.Group
	for range c.Count {
		group.Go(func() error {
			s := stream{tick: c.Tick}
			if err := s.read(c.Address, c.Requests[0]); err != nil {
				return fmt.Errorf("a stream, after %d bytes: %w", s.bytes, err)
			}
			mu.Lock()
			defer mu.Unlock()
			all, first, total = append(all, s.ticks...), append(first, uint32(s.first)), total+s.bytes
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	r := all.result(time.Since(began))
	slices.Sort(first)
	r.First = first.quantile(0.5)
	if c.Tick == 0 {
		r.Count = total
	}
	return r, nil
}

// stream is one response.
type stream struct {
	tick  int
	ticks latencies
	first time.Duration
	bytes int
}

func (s *stream) read(address, request string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	began := time.Now()
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReaderSize(conn, 32<<10), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 500))
		return fmt.Errorf("%s: %s", response.Status, text)
	}
	buffer := make([]byte, max(s.tick, 1))
	if s.tick == 0 {
		buffer = make([]byte, 64<<10)
	}
	for {
		n, err := response.Body.Read(buffer)
		if s.first == 0 && n > 0 {
			s.first = time.Since(began)
		}
		if s.tick > 0 && n > 0 && err == nil {
			var more int
			more, err = io.ReadFull(response.Body, buffer[n:])
			n += more
			made := int64(binary.LittleEndian.Uint64(buffer))
			s.ticks = append(s.ticks, uint32(max(0, time.Now().UnixNano()-made)))
		}
		s.bytes += n
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
