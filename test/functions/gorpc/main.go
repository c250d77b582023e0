// Program gorpc is a function built with an aws-lambda-go from before the
// Runtime API: it is called over net/rpc, as by the retired go1.x runtime. It
// is a module of its own for the sake of that version.
package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	Do   string `json:"do"`
	Text string `json:"text"`
}

func handle(_ context.Context, e event) (event, error) {
	switch e.Do {
	case "error":
		return e, errors.New(e.Text)
	case "panic":
		panic(e.Text)
	case "hang":
		select {}
	}
	return e, nil
}

func main() { lambda.Start(handle) }
