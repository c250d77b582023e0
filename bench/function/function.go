// Package function is the code of the benchmarks' Lambda functions: the bench
// program itself, when the environment says that it runs in one.
package function

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Start runs the function that the template's handler names.
func Start(handler string) {
	switch handler {
	case "post":
		lambda.Start(newPoster().post)
	case "both":
		lambda.Start(newPoster().both)
	case "stream":
		lambda.Start(stream)
	default:
		lambda.Start(Hello)
	}
}

// Greeting is what hello takes, Greeted what it answers.
type (
	Greeting struct {
		Name string `json:"name"`
	}
	Greeted struct {
		Message string `json:"message"`
	}
)

// Hello is the smallest function.
func Hello(_ context.Context, g Greeting) (Greeted, error) {
	return Greeted{"hello " + g.Name}, nil
}

// poster answers a message as users' functions do: by a signed request to the
// connection's management API.
type poster struct {
	signer      *v4.Signer
	credentials aws.Credentials
	client      http.Client
}

func newPoster() *poster {
	return &poster{signer: v4.NewSigner(), credentials: aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}}
}

func (p *poster) post(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	to := "http://" + e.RequestContext.DomainName + "/" + e.RequestContext.Stage + "/@connections/" + url.PathEscape(e.RequestContext.ConnectionID)
	r, err := Signed(ctx, p.signer, p.credentials, "execute-api", os.Getenv("AWS_REGION"), to, e.Body)
	if err != nil {
		return events.APIGatewayProxyResponse{}, err
	}
	response, err := p.client.Do(r)
	if err != nil {
		return events.APIGatewayProxyResponse{}, err
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		return events.APIGatewayProxyResponse{}, fmt.Errorf("%s: %s %w", response.Status, text, err)
	}
	return events.APIGatewayProxyResponse{StatusCode: http.StatusOK}, nil
}

// Answer is what a function says that posts and answers.
const Answer = "ok"

// both posts, and answers by its route.
func (p *poster) both(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
	r, err := p.post(ctx, e)
	r.Body = Answer
	return r, err
}

// Signed is a POST with a signature in its header.
func Signed(ctx context.Context, s *v4.Signer, c aws.Credentials, service, region, to, body string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(body))
	return r, s.SignHTTP(ctx, c, r, hex.EncodeToString(hash[:]), service, region, time.Now())
}

// stream answers as long and as fast as the query asks.
func stream(_ context.Context, e *events.LambdaFunctionURLRequest) (*events.LambdaFunctionURLStreamingResponse, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(Produce(e.QueryStringParameters, w, func() {})) }()
	return &events.LambdaFunctionURLStreamingResponse{
		StatusCode: http.StatusOK, Headers: map[string]string{"Content-Type": "application/octet-stream"}, Body: r,
	}, nil
}

// Produce writes count pieces of size bytes, one every so many microseconds;
// each begins with the time it was made.
func Produce(query map[string]string, w io.Writer, flush func()) error {
	count, _ := strconv.Atoi(query["count"])
	size, _ := strconv.Atoi(query["size"])
	every, _ := strconv.Atoi(query["every"])
	b := make([]byte, max(size, 8))
	next := time.Now()
	for range count {
		binary.LittleEndian.PutUint64(b, uint64(time.Now().UnixNano()))
		if _, err := w.Write(b); err != nil {
			return err
		}
		flush()
		if every > 0 {
			next = next.Add(time.Duration(every) * time.Microsecond)
			time.Sleep(time.Until(next))
		}
	}
	return nil
}
