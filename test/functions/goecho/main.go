// Program goecho is a function built with AWS's own Go client: it echoes,
// fails, panics, streams and waits as its event says.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string `json:"do"`
	Text string `json:"text"`
}

func handle(ctx context.Context, e event) (any, error) {
	switch e.Do {
	case "error":
		return nil, errors.New(e.Text)
	case "panic":
		panic(e.Text)
	case "exit":
		os.Exit(1)
	case "hang":
		select {}
	case "print":
		fmt.Println(e.Text)
	case "stream":
		return strings.NewReader(e.Text), nil
	case "stream-error":
		return io.MultiReader(strings.NewReader(e.Text), broken{}), nil
	case "context":
		c, _ := lambdacontext.FromContext(ctx)
		deadline, ok := ctx.Deadline()
		return map[string]any{"requestId": c.AwsRequestID, "arn": c.InvokedFunctionArn,
			"deadline": ok && time.Until(deadline) > 0}, nil
	}
	return e, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken midway") }

func main() {
	if os.Getenv("_HANDLER") == "sigterm" {
		lambda.StartWithOptions(handle, lambda.WithEnableSIGTERM(func() {
			_ = os.WriteFile("terminated", nil, 0o600)
		}))
		return
	}
	lambda.Start(handle)
}
