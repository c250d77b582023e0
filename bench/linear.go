package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/suiro-dev/suiro/bench/floor"
	"github.com/suiro-dev/suiro/bench/load"
)

// linear measures whether the cost of one stays what it is when there are
// many: what it costs at the largest size is held against the smallest.
func (b *bench) linear() error {
	for _, part := range []func() error{b.manySockets, b.manyStreams, b.manyFunctions, b.manyRows} {
		if err := part(); err != nil {
			return err
		}
	}
	b.growth()
	return nil
}

// growth holds the cost of one at the largest size against the smallest, and
// tells the same of a floor, where there is one.
func (r *report) growth() {
	r.settle()
	for _, what := range r.costs() {
		for side, whose := range []string{"growth", "growth of the floor"} {
			points := r.curve(what, side)
			if len(points) < 2 {
				continue
			}
			goal := atMost(1.2)
			if side > 0 {
				goal = goal.none()
			}
			smallest, largest := points[0], points[len(points)-1]
			// Not under the same name, so that it is no point of the curve.
			of := fmt.Sprintf("%s, %.0f over %.0f", whose, largest.n, smallest.n)
			r.add("linear", of, what, "largest", largest.cost, goal)
			r.add("linear", of, what, "smallest", smallest.cost, goal)
		}
	}
}

// manySockets are idle ones; the largest case over several processes.
func (b *bench) manySockets() error {
	for _, count := range []int{b.many / 100, b.many / 10, b.many} {
		m, err := idleMeasured(func() (*server, error) { return b.startSuiro(socketApp()) }, false, count, true)
		if err != nil {
			return err
		}
		of := fmt.Sprintf("%d sockets", count)
		b.add("linear", of, "RSS, B/socket", m.name, m.memory, goal{})
		b.add("linear", of, "CPU, µs/handshake", m.name, m.cpu, goal{})
	}
	return nil
}

// manyStreams are slow ones at the same time. Few are measured on several
// servers; the memory of ten is less than a step of the heap, and is not told.
func (b *bench) manyStreams() error {
	for _, x := range []struct{ streams, servers int }{{1, 5}, {b.slow / 100, 5}, {b.slow / 10, 3}, {b.slow, 1}} {
		if x.streams == 0 {
			continue
		}
		of := fmt.Sprintf("%d streams", x.streams)
		var group errgroup.Group
		for range x.servers {
			group.Go(func() error { return b.settledStreams(of, x.streams) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
		if 10*x.streams < b.slow {
			b.drop("linear", of, "RSS, B/stream")
		}
	}
	return nil
}

// settledStreams are those of a server that has answered many requests, whose
// heap has the size that requests alone give it.
func (b *bench) settledStreams(of string, count int) error {
	s, err := b.startSuiro(urlApp)
	defer s.close()
	if err != nil {
		return err
	}
	url, err := s.url("Stream")
	if err != nil {
		return err
	}
	c, err := startClient()
	if err != nil {
		return err
	}
	defer c.close()
	request := plain("GET", url, "/?count=1&size=64", "")
	if _, err := c.do(load.Command{Do: "http", Address: url, Count: 1, Total: 2000, Requests: []string{request}}); err != nil {
		return err
	}
	return b.slowRound("linear", of, target{server: s, name: s.name, address: url}, count)
}

// manyFunctions are called in turn, of each server after the other: as many
// processes have their turn with the hand-written Runtime API, so that it can
// be told what a server adds from what the machine does.
func (b *bench) manyFunctions() error {
	type callee struct {
		of       string
		to       target
		requests []string
		client   *client
	}
	var all []callee
	defer func() {
		for _, x := range all {
			x.to.close()
			if x.client != nil {
				x.client.close()
			}
		}
	}()
	add := func(count int, s *server, address string, requests []string) error {
		c, err := startClient()
		all = append(all, callee{fmt.Sprintf("%d functions", count), target{server: s, name: s.name, address: address}, requests, c})
		if err != nil {
			return err
		}
		_, err = c.do(load.Command{Do: "http", Address: address, Count: 1, Total: 10 * count, Requests: requests})
		return err
	}
	for _, count := range []int{1, 8, 64} {
		s, requests, err := b.functions(count)
		if err != nil {
			s.close()
			return err
		}
		if err := add(count, s, s.awsAddress(), requests); err != nil {
			return err
		}
		f, err := startFloor("runtime", floor.Options{Environments: count, Handler: "hello"})
		if err != nil {
			return err
		}
		if err := add(count, f, f.address, []string{plain("POST", f.address, "/", greeting)}); err != nil {
			return err
		}
	}
	for range b.rounds {
		for _, x := range all {
			before := x.to.cpu()
			r, err := x.client.do(load.Command{Do: "http", Address: x.to.address, Count: 1, Millis: b.millis, Requests: x.requests})
			if err != nil {
				return fmt.Errorf("%s: %w", x.to.name, err)
			}
			b.add("linear", x.of, "CPU, µs/invocation", x.to.name, (x.to.cpu()-before)/float64(r.Count), goal{})
		}
	}
	return nil
}

// functions are a server with so many, and a request to each.
func (b *bench) functions(count int) (*server, []string, error) {
	s, err := b.startSuiro(functionApp(count))
	if err != nil {
		return s, nil, err
	}
	var requests []string
	for i := range count {
		request, err := s.invocation(fmt.Sprintf("Hello%d", i))
		if err != nil {
			return s, nil, err
		}
		requests = append(requests, request)
	}
	return s, requests, nil
}

// filling is how long writing a table's rows may take, unless the run is full.
const filling = 2 * time.Minute

// manyRows are of one table that grows.
func (b *bench) manyRows() error {
	s, err := b.startSuiro(tableApp)
	defer s.close()
	if err != nil {
		return err
	}
	d := newDatabase(s, s.ready.AWS.Endpoint, s.ready.AWS.AccessKeyID, s.ready.AWS.SecretAccessKey)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	for have, rows := 0, 100; rows <= b.rows; have, rows = rows, rows*10 {
		began := time.Now()
		if err := d.grow(ctx, have, rows); err != nil {
			return err
		}
		wrote := time.Since(began)
		if err := b.reads(ctx, d, rows); err != nil {
			return err
		}
		// Ten times as many take ten times as long, at least.
		if next := 10 * wrote; rows < b.rows && next > filling && !b.full {
			b.miss(fmt.Sprintf("linear, %d rows", 10*rows), fmt.Errorf("writing them would take %s; -full has the patience", next.Round(time.Second)))
			return nil
		}
	}
	return nil
}

// reads measures what reads of a table with so many rows cost.
func (b *bench) reads(ctx context.Context, d *database, rows int) error {
	length := time.Duration(b.millis) * time.Millisecond
	for _, o := range operations {
		if !o.reads {
			continue
		}
		if _, err := d.run(ctx, o, 4, rows/10, length/4); err != nil {
			return err
		}
		for range min(b.rounds, 3) {
			cpu := d.cpu()
			p, err := d.run(ctx, o, 4, rows/10, length)
			if err != nil {
				return err
			}
			b.add("linear", fmt.Sprintf("%d rows", rows), "CPU, µs/"+o.name, d.name, (d.cpu()-cpu)/float64(p.Count), goal{})
		}
	}
	return nil
}

// grow writes the rows from one number to another.
func (d *database) grow(ctx context.Context, from, to int) error {
	var group errgroup.Group
	group.SetLimit(16)
	for i := from; i < to; i += 25 {
		group.Go(func() error {
			var writes []types.WriteRequest
			for j := i; j < min(i+25, to); j++ {
				writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{
					"pk": text(fmt.Sprint("p", j/10)), "sk": text(fmt.Sprint("s", j%10)), "v": text(padding),
				}}})
			}
			_, err := d.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{aws.ToString(tableName): writes}})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("filling %s: %w", d.name, err)
	}
	return nil
}
