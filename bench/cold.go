package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/bench/floor"
	"github.com/suiro-dev/suiro/bench/load"
)

// cold measures the first invocation of a function, for which its process has
// to start, against what that takes by itself: from exec until it asks for
// its first event.
func (b *bench) cold() error {
	count := 3 * b.rounds
	s, err := b.startSuiro(functionApp(count + 1))
	defer s.close()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := startClient()
	if err != nil {
		return err
	}
	defer c.close()
	for i := range count + 1 {
		request, err := s.invocation(fmt.Sprintf("Hello%d", i))
		if err != nil {
			return err
		}
		once := load.Command{Do: "http", Address: s.awsAddress(), Count: 1, Total: 1, Requests: []string{request}}
		first, err := c.do(once)
		if err != nil {
			return err
		}
		second, err := c.do(once)
		if err != nil {
			return err
		}
		least, err := execToNext(l)
		if err != nil {
			return err
		}
		if i == 0 {
			continue // warms the file cache
		}
		b.add("cold", "aws-lambda-go", "first answer, ms", "suiro", first.P50/1000, within(5, "ms"))
		b.add("cold", "aws-lambda-go", "first answer, ms", "exec to next", least, goal{})
		b.add("cold", "aws-lambda-go", "second answer, ms", "suiro", second.P50/1000, goal{})
	}
	return nil
}

// execToNext starts a function's process and waits until it asks for an event.
func execToNext(l net.Listener) (ms float64, err error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = floor.FunctionEnviron(l.Addr().String(), "hello")
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	conn, err := l.Accept()
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil || !strings.HasSuffix(r.URL.Path, "/next") {
		return 0, fmt.Errorf("the function asked for something else: %w", err)
	}
	return float64(time.Since(began).Microseconds()) / 1000, nil
}
