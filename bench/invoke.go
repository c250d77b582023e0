package main

import (
	"fmt"
	"os"
	"time"

	"github.com/suiro-dev/suiro/bench/floor"
	"github.com/suiro-dev/suiro/bench/load"
)

// urlApp has functions with URLs that anyone may call.
const urlApp = `Transform: AWS::Serverless-2016-10-31
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2023, CodeUri: code, Handler: hello, FunctionUrlConfig: {AuthType: NONE}}
  Stream:
    Type: AWS::Serverless::Function
    Properties:
      {Runtime: provided.al2023, CodeUri: code, Handler: stream, Timeout: 30, ReservedConcurrentExecutions: 1100, FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
`

// function finds the function's URL by its resource.
func (s *server) url(function string) (string, error) {
	for _, e := range s.ready.Endpoints {
		if e.Kind == "function-url" && (e.Resource == function || e.Resource == function+"Url") {
			r := ready{Endpoints: []struct{ Resource, Kind, URL string }{e}}
			return r.endpoint(e.Kind), nil
		}
	}
	return "", fmt.Errorf("suiro names no URL of %s: %v", function, s.ready.Endpoints)
}

// target is where requests go, and the process whose CPU counts.
type target struct {
	*server
	name    string
	address string
	request string
}

// invoke measures one request that is one invocation, by the Lambda API and by
// a function's URL, against net/http's reverse proxy in front of the same
// code, and against the least Runtime API in front of the same function.
func (b *bench) invoke() error {
	suiro, err := b.startSuiro(urlApp)
	defer suiro.close()
	if err != nil {
		return err
	}
	signed, err := suiro.invocation("Hello")
	if err != nil {
		return err
	}
	url, err := suiro.url("Hello")
	if err != nil {
		return err
	}
	proxy, err := startFloor("proxy", floor.Options{})
	if err != nil {
		return err
	}
	defer proxy.close()
	emulator := b.peer("RIE", startRIE)
	if emulator != nil {
		defer emulator.close()
	}
	for _, connections := range []int{1, 8} {
		runtime, err := startFloor("runtime", floor.Options{Environments: connections, Handler: "hello"})
		if err != nil {
			return err
		}
		defer runtime.close()
		to := func(s *server) target {
			return target{s, s.name, s.address, plain("POST", s.address, "/", greeting)}
		}
		floors := []target{to(proxy), to(runtime)}
		if connections > 1 { // as many processes behind the proxy as functions have
			proxies, err := startFloor("proxies", floor.Options{Environments: connections})
			if err != nil {
				return err
			}
			defer proxies.close()
			t := to(proxies)
			t.name = fmt.Sprintf("proxy to %d processes", connections)
			floors = append(floors, t)
		}
		byURL := target{suiro, "suiro", url, plain("POST", url, "/", greeting)}
		byAPI := target{suiro, "suiro", suiro.awsAddress(), signed}
		for round := range b.rounds + 1 {
			for _, way := range []struct {
				of     string
				target target
			}{{"URL", byURL}, {"API, signed", byAPI}} {
				of := fmt.Sprintf("%s, %d clients", way.of, connections)
				for _, t := range append([]target{way.target}, floors...) {
					r, cpu, err := b.request(t.server, t.address, []string{t.request}, connections)
					if err != nil {
						return err
					}
					if t.server == suiro && way.of != "URL" && connections == 1 && emulator != nil {
						if err := b.emulated(emulator, r, round); err != nil {
							return err
						}
					}
					if round > 0 {
						b.add("invoke", of, "requests/s", t.name, float64(r.Count)/r.Seconds, atLeast(0.9))
						b.add("invoke", of, "median, µs", t.name, r.P50, goal{})
						b.add("invoke", of, "CPU, µs/request", t.name, cpu, goal{})
					}
				}
			}
		}
	}
	return nil
}

// emulated measures AWS's Runtime Interface Emulator, which takes one
// invocation at a time, beside what Suiro did for the same function.
func (b *bench) emulated(emulator *server, suiro *load.Result, round int) error {
	request := plain("POST", emulator.address, "/2015-03-31/functions/function/invocations", greeting)
	r, _, err := b.request(emulator, emulator.address, []string{request}, 1)
	if err != nil || round == 0 {
		return err
	}
	const of = "API against AWS's emulator, 1 client"
	for _, x := range []struct {
		name string
		r    *load.Result
	}{{"suiro", suiro}, {"RIE", r}} {
		b.add("invoke", of, "requests/s", x.name, float64(x.r.Count)/x.r.Seconds, atLeast(1.8))
		b.add("invoke", of, "median, µs", x.name, x.r.P50, atMost(0.6))
	}
	return nil
}

// streamers are Suiro, the reverse proxy and the server by itself.
func (b *bench) streamers() (all []target, done func(), err error) {
	done = func() {
		for _, t := range all {
			t.close()
		}
	}
	suiro, err := b.startSuiro(urlApp)
	all = append(all, target{server: suiro, name: "suiro"})
	if err != nil {
		return all, done, err
	}
	if all[0].address, err = suiro.url("Stream"); err != nil {
		return all, done, err
	}
	for _, name := range []string{"proxy", "direct"} {
		s, err := startFloor(name, floor.Options{})
		if err != nil {
			return all, done, err
		}
		all = append(all, target{server: s, name: name, address: s.address})
	}
	return all, done, nil
}

func streamed(t target, count, size, every, tick, streams int) load.Command {
	path := fmt.Sprintf("/?count=%d&size=%d&every=%d", count, size, every)
	return load.Command{Do: "stream", Address: t.address, Count: streams, Tick: tick, Requests: []string{plain("GET", t.address, path, "")}}
}

// bulk is what a large stream has.
const bulk = 100 << 20

// stream measures one stream: 1 KiB every millisecond, and 100 MiB at once.
func (b *bench) stream() error {
	all, done, err := b.streamers()
	defer done()
	if err != nil {
		return err
	}
	for round := range b.rounds + 1 {
		var results []*load.Result
		for _, t := range all {
			c, err := startClient()
			if err != nil {
				return err
			}
			defer c.close()
			r, err := c.do(streamed(t, 500, 1024, 1000, 1024, 1))
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			results = append(results, r)
			rss := t.rss()
			_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", t.pid()), []byte("5"), 0) // VmHWM from here on
			large, err := c.do(streamed(t, bulk/(64<<10), 64<<10, 0, 0, 1))
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			if round == 0 {
				continue
			}
			b.add("stream", "1 KiB every ms", "first byte, µs", t.name, r.First, atMost(1.5))
			b.add("stream", "100 MiB", "MB/s", t.name, float64(large.Count)/1e6/large.Seconds, atLeast(0.8))
			b.add("stream", "100 MiB", "RSS growth, MiB", t.name, max(0, t.status("VmHWM")-rss)/(1<<20), below(1, "MiB"))
		}
		if round > 0 {
			for i, t := range all[:2] {
				b.add("stream", "1 KiB every ms", "added, µs/chunk", t.name, results[i].P50-results[2].P50, atMost(1.5))
			}
		}
	}
	return nil
}

// slowStreams measures the memory of many streams at the same time: 64 bytes
// every 100 ms.
func (b *bench) slowStreams() error {
	of := fmt.Sprintf("%d streams", b.slow)
	for range min(b.rounds, 2) { // a thousand processes each time
		all, done, err := b.streamers()
		for _, t := range all[:max(0, len(all)-1)] {
			if err == nil {
				err = b.slowRound("slow-streams", of, t, b.slow)
			}
		}
		done()
		if err != nil {
			return err
		}
	}
	return nil
}

// slowRound opens count streams. They go on until all have begun, since every
// one may need a process that starts first.
func (b *bench) slowRound(benchmark, of string, t target, count int) error {
	c, err := startClient()
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.do(streamed(t, 1, 64, 0, 64, 1)); err != nil {
		return err
	}
	rss := t.rss()
	// Each lasts longer than the last one's start takes: the environments are
	// there when the streams that are measured come.
	if _, err := c.do(streamed(t, 20+count/20, 64, 100_000, 64, count)); err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	cpu := t.cpu()
	if err := c.send(streamed(t, 50, 64, 100_000, 64, count)); err != nil {
		return err
	}
	time.Sleep(3500 * time.Millisecond)
	grown := t.rss() - rss
	r, err := c.result()
	if err != nil {
		return fmt.Errorf("%s: %w", t.name, err)
	}
	b.add(benchmark, of, "RSS, B/stream", t.name, grown/float64(count), atMost(0.65))
	b.add(benchmark, of, "median, µs/chunk", t.name, r.P50, goal{})
	b.add(benchmark, of, "CPU, µs/chunk", t.name, (t.cpu()-cpu)/float64(50*count), goal{})
	return nil
}
