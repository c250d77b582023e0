package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	functions "github.com/suiro-dev/suiro/bench/function"
)

// awsAddress is where the AWS API answers.
func (s *server) awsAddress() string {
	return strings.Replace(strings.TrimPrefix(s.ready.AWS.Endpoint, "http://"), "localhost", "127.0.0.1", 1)
}

// signed is a whole HTTP request, signed as the account's owner.
func (s *server) signed(service, to, body string) (string, error) {
	a := s.ready.AWS
	r, err := functions.Signed(context.Background(), v4.NewSigner(), aws.Credentials{AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey}, service, a.Region, to, body)
	if err != nil {
		return "", err
	}
	b := new(bytes.Buffer)
	fmt.Fprintf(b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.URL.RequestURI(), r.URL.Host, len(body))
	if err := r.Header.Write(b); err != nil {
		return "", err
	}
	return b.String() + "\r\n" + body, nil
}

// invocation is a request to the Lambda API.
func (s *server) invocation(logicalID string) (string, error) {
	name := s.ready.Resources[logicalID]
	return s.signed("lambda", "http://"+s.awsAddress()+"/2015-03-31/functions/"+name+"/invocations", greeting)
}

// greeting is what the functions are invoked with.
const greeting = `{"name":"world"}`

// plain is an unsigned request.
func plain(method, address, path, body string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", method, path, address, len(body), body)
}
