package trigger

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// failure is the record that goes to a mapping's OnFailure destination.
type failure struct {
	RequestContext  failureRequest   `json:"requestContext"`
	ResponseContext *failureResponse `json:"responseContext,omitempty"`
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	Batch           failedBatch      `json:"DDBStreamBatchInfo"`
}

type failureRequest struct {
	RequestID   string `json:"requestId"`
	FunctionARN string `json:"functionArn"`
	Condition   string `json:"condition"`
	Count       int    `json:"approximateInvokeCount"`
}

type failureResponse struct {
	StatusCode      int     `json:"statusCode"`
	ExecutedVersion string  `json:"executedVersion"`
	FunctionError   *string `json:"functionError"` // null when records were reported as failed
}

type failedBatch struct {
	ShardID string `json:"shardId"`
	Start   string `json:"startSequenceNumber"`
	End     string `json:"endSequenceNumber"`
	First   string `json:"approximateArrivalOfFirstRecord"`
	Last    string `json:"approximateArrivalOfLastRecord"`
	Size    int    `json:"batchSize"`
	Stream  string `json:"streamArn"`
}

const timestamp = "2006-01-02T15:04:05.000Z"

// failureOf is the record of failure of some records.
func (l *lane) failureOf(records []Record, p *part, condition string) failure {
	first, last := records[0], records[len(records)-1]
	f := failure{
		RequestContext: failureRequest{p.last.requestID, l.set.Function, condition, p.tried},
		Version:        "1.0",
		Timestamp:      time.Now().UTC().Format(timestamp),
		Batch: failedBatch{
			ShardID: l.stream.Shard(), Start: first.Text, End: last.Text,
			First: first.Time.UTC().Format("2006-01-02T15:04:05Z"), Last: last.Time.UTC().Format("2006-01-02T15:04:05Z"),
			Size: len(records), Stream: l.set.Source,
		},
	}
	if p.tried > 0 {
		f.ResponseContext = &failureResponse{StatusCode: http.StatusOK, ExecutedVersion: p.last.version}
		if p.last.unhandled {
			unhandled := "Unhandled"
			f.ResponseContext.FunctionError = &unhandled
		}
	}
	return f
}

// discard gives records up. Destinations of stream mappings are queues, topics
// and buckets, none of which runs here, so the record of failure is shown.
func (l *lane) discard(records []Record, p *part, condition string) {
	text := fmt.Sprintf("%d records of %s were given up (%s)", len(records), l.set.Source, condition)
	if len(records) == 1 {
		text = fmt.Sprintf("a record of %s was given up (%s)", l.set.Source, condition)
	}
	if l.set.OnFailure != "" {
		text += "; its destination " + l.set.OnFailure + " does not run here and would have got"
	}
	data, err := json.Marshal(l.failureOf(records, p, condition))
	if err == nil {
		text += " " + string(data)
	}
	l.mapping.notice(text, err)
}
