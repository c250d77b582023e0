package main

import (
	"context"
	"errors"
	"fmt"
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
		HTTPClient:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})}
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

func (o operation) among(partitions int) func(context.Context, *dynamodb.Client) error {
	return func(ctx context.Context, c *dynamodb.Client) error { return o.do(ctx, c, partitions) }
}

// operations are what the clients do.
var operations = []operation{
	{"Put", 0.8, false, func(ctx context.Context, c *dynamodb.Client, partitions int) error {
		item := key("w", partitions)
		item["v"] = text(padding)
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
}

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

// tables measures the DynamoDB API through the SDK, against a server that
// gives the same answers from a drawer, and one that also flushes a log for
// each write.
func (b *bench) tables() error {
	ctx := context.Background()
	suiro, err := b.startSuiro(tableApp)
	defer suiro.close()
	if err != nil {
		return err
	}
	stub, err := startFloor("table", floor.Options{})
	if err != nil {
		return err
	}
	defer stub.close()
	stub.name = "stub"
	durable, err := startFloor("durable-table", floor.Options{})
	if err != nil {
		return err
	}
	defer durable.close()
	durable.name = "stub, durable"
	all := []*database{
		newDatabase(suiro, suiro.ready.AWS.Endpoint, suiro.ready.AWS.AccessKeyID, suiro.ready.AWS.SecretAccessKey),
		newDatabase(stub, "http://"+stub.address, "a", "b"), newDatabase(durable, "http://"+durable.address, "a", "b"),
	}
	filled := all[:1]
	if b.peers {
		dynalite, err := startDynalite()
		if err != nil {
			return err
		}
		defer dynalite.close()
		d := newDatabase(dynalite, "http://"+dynalite.address, "a", "b")
		if err := d.create(ctx); err != nil {
			return err
		}
		all, filled = append(all, d), append(filled[:1:1], d)
	}
	for _, d := range filled {
		if err := d.fill(ctx); err != nil {
			return err
		}
	}
	for round := range b.rounds + 1 {
		for _, clients := range []int{1, 16} {
			for _, o := range operations {
				for _, d := range all {
					if d.server == durable && o.reads {
						continue
					}
					cpu := d.cpu()
					rate, p50, count, err := b.query(ctx, d.client, clients, o.among(partitions))
					if err != nil {
						return fmt.Errorf("%s: %s: %w", d.name, o.name, err)
					}
					if round == 0 {
						continue
					}
					of := fmt.Sprintf("%s, %d clients", o.name, clients)
					b.add("tables", of, "operations/s", d.name, rate, atLeast(o.goal))
					b.add("tables", of, "median, µs", d.name, p50, goal{})
					b.add("tables", of, "CPU, µs/operation", d.name, (d.cpu()-cpu)/float64(count), goal{})
				}
			}
		}
	}
	return nil
}

// query repeats an operation in a number of goroutines.
func (b *bench) query(ctx context.Context, c *dynamodb.Client, clients int, do func(context.Context, *dynamodb.Client) error) (rate, p50 float64, count int, err error) {
	var mu sync.Mutex
	var all []time.Duration
	began := time.Now()
	end := began.Add(time.Duration(b.millis) * time.Millisecond)
	var group errgroup.Group
	for range clients {
		group.Go(func() error {
			var mine []time.Duration
			for now := time.Now(); now.Before(end); {
				if err := do(ctx, c); err != nil {
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
		return 0, 0, 0, err
	}
	if len(all) == 0 {
		return 0, 0, 0, errors.New("no operation ended in time")
	}
	took := time.Since(began)
	slices.Sort(all)
	return float64(len(all)) / took.Seconds(), float64(all[len(all)/2].Microseconds()), len(all), nil
}
