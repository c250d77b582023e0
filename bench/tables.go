package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/suiro-dev/suiro/bench/floor"
)

// database is a server of the DynamoDB API, as a program sees it.
type database struct {
	*server
	client *dynamodb.Client
}

func newDatabase(s *server, endpoint, key, secret string) *database {
	return &database{s, dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint), RetryMaxAttempts: 1,
		HTTPClient:  &wholeBody{http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})}
}

// wholeBody keeps the request's body from the SDK, which closes it as soon as
// the header of the answer is there. With servers as near as these net/http may
// not be done with it then, takes that for a request that failed and closes the
// connection in the midst of the answer: one large answer in twenty
// (github.com/aws/aws-sdk-go-v2/issues/2737).
type wholeBody struct{ client http.Client }

func (w *wholeBody) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return w.client.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	own := r.WithContext(r.Context())
	own.Body = io.NopCloser(bytes.NewReader(body))
	return w.client.Do(own)
}

// partitions of ten items are read.
const partitions = 500

var (
	tableName = aws.String("bench")
	padding   = strings.Repeat("x", 180)
)

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func key(partition string, count int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(fmt.Sprint(partition, rand.IntN(count))), "sk": text(fmt.Sprint("s", rand.IntN(10)))}
}

// operation is one that reads or writes among a number of partitions.
type operation struct {
	name  string
	goal  float64
	reads bool
	do    func(ctx context.Context, c *dynamodb.Client, partitions int) error
}

// operations are what the clients do.
var operations = []operation{
	{"Put", 0.8, false, func(ctx context.Context, c *dynamodb.Client, partitions int) error {
		item := key("w", partitions)
		item["v"] = text(padding)
		item["n"] = &types.AttributeValueMemberN{Value: fmt.Sprint(rand.Int64())} // an item that is there already need not be written
		_, err := c.PutItem(ctx, &dynamodb.PutItemInput{TableName: tableName, Item: item})
		return err
	}},
	{"Get", 0.8, true, func(ctx context.Context, c *dynamodb.Client, partitions int) error {
		_, err := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: tableName, Key: key("p", partitions)})
		return err
	}},
	{"Update", 0.8, false, func(ctx context.Context, c *dynamodb.Client, _ int) error {
		_, err := c.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: tableName, Key: key("c", 50), UpdateExpression: aws.String("ADD n :one"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
		})
		return err
	}},
	{"Query of 10", 0.7, true, func(ctx context.Context, c *dynamodb.Client, partitions int) error {
		r, err := c.Query(ctx, &dynamodb.QueryInput{
			TableName: tableName, KeyConditionExpression: aws.String("pk = :p"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":p": text(fmt.Sprint("p", rand.IntN(partitions)))},
		})
		if err == nil && r.Count != 10 {
			err = fmt.Errorf("%d items", r.Count)
		}
		return err
	}},
	{scan, 0.7, true, func(ctx context.Context, c *dynamodb.Client, _ int) error {
		r, err := c.Scan(ctx, &dynamodb.ScanInput{TableName: tableName, Limit: aws.Int32(100)})
		if err == nil && r.Count != 100 {
			err = fmt.Errorf("%d items", r.Count)
		}
		return err
	}},
}

// scan reads the first page of a table, as apps do that list their connections.
const scan = "Scan of 100"

func (d *database) fill(ctx context.Context) error {
	for i := 0; i < 10*partitions; i += 25 {
		var writes []types.WriteRequest
		for j := i; j < i+25; j++ {
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: map[string]types.AttributeValue{
				"pk": text(fmt.Sprint("p", j/10)), "sk": text(fmt.Sprint("s", j%10)), "v": text(padding),
			}}})
		}
		_, err := d.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{*tableName: writes}})
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
	}
	return nil
}

// contender is a side of the comparison.
type contender struct {
	*server
	run    func(o operation, clients int, length time.Duration) (pace, error)
	writes bool // it differs from another one in writes alone
	rate   goal // that Suiro has against it by itself
}

func (d *database) contender(ctx context.Context) contender {
	return contender{server: d.server, run: func(o operation, clients int, length time.Duration) (pace, error) {
		return d.run(ctx, o, clients, partitions, length)
	}}
}

func (d *database) run(ctx context.Context, o operation, clients, partitions int, length time.Duration) (pace, error) {
	return repeat(clients, length, func() error { return o.do(ctx, d.client, partitions) })
}

// tables measures the DynamoDB API through the SDK, against a server that
// gives the same answers from a drawer, one that also flushes a log for each
// write, the storage engine without a server, and peers.
func (b *bench) tables() error {
	ctx := context.Background()
	all, done, err := b.contenders(ctx)
	defer done()
	if err != nil {
		return err
	}
	length := time.Duration(b.millis) * time.Millisecond
	for round := range b.rounds + 1 {
		for _, clients := range []int{1, 16, 64} {
			for _, o := range operations {
				if round == 0 {
					// A peer's JVM compiles for seconds; the others are warm soon.
					warm := length / 4
					if b.peers {
						warm = length
					}
					err = b.tablesRound(all, o, clients, warm, false)
				} else if round%2 == 1 || clients < 64 && o.name != scan {
					// The costly cases are measured in every second round.
					err = b.tablesRound(all, o, clients, length, true)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// tablesRound measures one operation of all sides in turn.
func (b *bench) tablesRound(all []contender, o operation, clients int, length time.Duration, record bool) error {
	for _, c := range all {
		if c.writes && o.reads {
			continue
		}
		cpu := c.cpu()
		p, err := c.run(o, clients, length)
		if err != nil {
			return fmt.Errorf("%s, %d clients, of %s: %w", o.name, clients, c.name, err)
		}
		if record {
			of := fmt.Sprintf("%s, %d clients", o.name, clients)
			if c.rate.reach != nil {
				b.against("tables", of, "operations/s", c.name, p.Rate, c.rate)
			} else {
				b.add("tables", of, "operations/s", c.name, p.Rate, atLeast(o.goal))
			}
			b.add("tables", of, "median, µs", c.name, p.Median, goal{})
			b.add("tables", of, "CPU, µs/operation", c.name, (c.cpu()-cpu)/float64(p.Count), goal{})
		}
	}
	return nil
}

// contenders starts all sides and gives them the same items. What it has
// started when it fails is ended by done too.
func (b *bench) contenders(ctx context.Context) (all []contender, done func(), err error) {
	done = func() {
		for _, c := range all {
			c.close()
		}
	}
	suiro, err := b.startSuiro(tableApp)
	if err != nil {
		suiro.close()
		return all, done, err
	}
	d := newDatabase(suiro, suiro.ready.AWS.Endpoint, suiro.ready.AWS.AccessKeyID, suiro.ready.AWS.SecretAccessKey)
	all = append(all, d.contender(ctx))
	if err := d.fill(ctx); err != nil {
		return all, done, err
	}
	for _, floorOf := range []struct{ kind, name string }{{"table", "stub"}, {"durable-table", "stub, durable"}} {
		s, err := startFloor(floorOf.kind, floor.Options{})
		if err != nil {
			return all, done, err
		}
		s.name = floorOf.name
		c := newDatabase(s, "http://"+s.address, "a", "b").contender(ctx)
		c.writes = floorOf.kind == "durable-table"
		all = append(all, c)
	}
	e, err := startEngine()
	if err != nil {
		return all, done, err
	}
	all = append(all, contender{server: e, run: e.engineRun})
	for _, p := range []struct {
		name  string
		start func() (*server, error)
		rate  goal
	}{{"dynalite", startDynalite, atLeast(1.2)}, {"DynamoDB Local", startLocal, goal{}}} {
		s := b.peer(p.name, p.start)
		if s == nil {
			continue
		}
		d := newDatabase(s, "http://"+s.address, "a", "b")
		if err := errors.Join(d.create(ctx), d.fill(ctx)); err != nil {
			s.close()
			b.miss(p.name, err)
			continue
		}
		c := d.contender(ctx)
		c.rate = p.rate
		all = append(all, c)
	}
	return all, done, nil
}

// pace is how fast operations ended.
type pace struct {
	Rate   float64 // a second
	Median float64 // µs
	Count  int
}

// repeat does an operation in a number of goroutines for some time.
func repeat(clients int, length time.Duration, do func() error) (pace, error) {
	var mu sync.Mutex
	var all []time.Duration
	began := time.Now()
	end := began.Add(length)
	var group errgroup.Group
	for range clients {
		group.Go(func() error {
			var mine []time.Duration
			for now := time.Now(); now.Before(end); {
				if err := do(); err != nil {
					return err
				}
				after := time.Now()
				mine, now = append(mine, after.Sub(now)), after
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, mine...)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return pace{}, err
	}
	if len(all) == 0 {
		return pace{}, errors.New("no operation ended in time")
	}
	took := time.Since(began)
	slices.Sort(all)
	median := float64(all[len(all)/2].Nanoseconds()) / 1e3
	return pace{float64(len(all)) / took.Seconds(), median, len(all)}, nil
}
