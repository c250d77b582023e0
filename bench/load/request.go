package load

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// requests keeps one request in flight on each of Count connections.
func requests(c *Command) (*Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fds := make([]int, c.Count)
	for i := range fds {
		fd, err := connect(c.Address, [4]byte{127, 0, 0, 1})
		if err != nil {
			return nil, err
		}
		defer unix.Close(fd)
		fds[i] = fd
	}
	ep, err := epoll(fds)
	if err != nil {
		return nil, err
	}
	defer unix.Close(ep)
	highest := slices.Max(fds)
	got, sent := make([][]byte, highest+1), make([]time.Time, highest+1)
	next := 0
	send := func(fd int, now time.Time) error {
		sent[fd] = now
		_, err := unix.Write(fd, []byte(c.Requests[next%len(c.Requests)]))
		next++
		return err
	}
	began := time.Now()
	for _, fd := range fds {
		got[fd] = make([]byte, 0, 16<<10)
		if err := send(fd, time.Now()); err != nil {
			return nil, err
		}
	}
	all := make(latencies, 0, 1<<18)
	events := make([]unix.EpollEvent, 128)
	for open := c.Count; open > 0; {
		ready, err := wait(ep, events)
		if err != nil || len(ready) == 0 {
			return nil, fmt.Errorf("%d requests were not answered: %w", open, err)
		}
		for _, e := range ready {
			b := got[e.Fd]
			n, err := unix.Read(int(e.Fd), b[len(b):cap(b)])
			if errors.Is(err, unix.EAGAIN) {
				continue
			}
			if err != nil || n == 0 {
				return nil, fmt.Errorf("a connection was closed after %.300q: %w", b, err)
			}
			got[e.Fd] = b[:len(b)+n]
			whole, err := complete(got[e.Fd])
			if err != nil {
				return nil, err
			}
			if !whole {
				continue
			}
			got[e.Fd] = b[:0]
			now := time.Now()
			all = append(all, uint32(now.Sub(sent[e.Fd])))
			if c.Total > 0 && next >= c.Total || c.Total == 0 && now.Sub(began) > time.Duration(c.Millis)*time.Millisecond {
				open--
				continue
			}
			if err := send(int(e.Fd), now); err != nil {
				return nil, err
			}
		}
	}
	return all.result(time.Since(began)), nil
}

// complete tells whether b is one whole response, which has to be a good one.
func complete(b []byte) (bool, error) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return false, nil
	}
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 2")) || bytes.Contains(b[:end], []byte("X-Amz-Function-Error")) {
		return false, fmt.Errorf("answered %.500q", b)
	}
	header := bytes.ToLower(b[:end+2])
	if _, rest, ok := bytes.Cut(header, []byte("content-length: ")); ok {
		digits, _, _ := bytes.Cut(rest, []byte("\r"))
		n, err := strconv.Atoi(string(digits))
		return len(b) >= end+4+n, err
	}
	return bytes.HasSuffix(b, []byte("0\r\n\r\n")), nil
}
