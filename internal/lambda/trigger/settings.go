package trigger

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/eventpattern"
)

// settings are what a mapping was asked to do. They never change; another set
// takes their place. Their JSON is what is kept of mappings the API made.
type settings struct {
	UUID     string
	Resource string `json:",omitempty"` // logical id; empty for one that the API made
	Source   string // ARN of the stream
	Function string // ARN of the function, as it was given
	Enabled  bool
	// StartingPosition is TRIM_HORIZON or LATEST.
	StartingPosition      string
	BatchSize             int
	Window                int // seconds
	ParallelizationFactor int
	Retries               int // -1: until the record is gone
	MaxAge                int // seconds, -1: until the record is gone
	Bisect                bool
	PartialFailures       bool // ReportBatchItemFailures
	Tumbling              int  // seconds; not run
	Filters               []string
	OnFailure             string // ARN
	Modified              time.Time
}

// Starting positions.
const (
	trimHorizon = "TRIM_HORIZON"
	latest      = "LATEST"
	atTimestamp = "AT_TIMESTAMP" // of Kinesis only
)

// defaults are those of DynamoDB streams (API reference,
// CreateEventSourceMapping).
func defaults() settings {
	return settings{Enabled: true, BatchSize: 100, ParallelizationFactor: 1, Retries: -1, MaxAge: -1}
}

// service is the part of the source's ARN that names the service.
func (set settings) service() string {
	parts := strings.SplitN(set.Source, ":", 4)
	if len(parts) < 4 || parts[0] != "arn" {
		return ""
	}
	return parts[2]
}

// runs tells whether Suiro has the source.
func (set settings) runs() bool { return set.service() == "dynamodb" }

func (set settings) functionName() string {
	parts := strings.Split(set.Function, ":")
	if len(parts) >= 7 {
		return parts[6]
	}
	return set.Function
}

// stableUUID is the same for the same resource at every start, so that the
// mapping finds how far it came.
func stableUUID(parts ...string) string {
	b := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	b[6] = b[6]&0x0f | 0x50
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// patterns compiles the filters, one of which a record must match.
func (set settings) patterns() (all []*eventpattern.Pattern, err error) {
	for _, text := range set.Filters {
		p, err := eventpattern.Parse([]byte(text))
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// problem is what AWS refuses in settings: the error's name and text.
type problem struct {
	code, text string
}

const (
	validation  = "ValidationException"
	wrongValue  = "InvalidParameterValueException"
	detected    = "1 validation error detected: "
	unsatisfied = " failed to satisfy constraint: "
)

// check finds what AWS refuses, the first thing first.
func (set settings) check() *problem {
	for _, r := range []struct {
		name               string
		value, least, most int
		unlimited          bool
	}{
		{"batchSize", set.BatchSize, 1, 10000, false},
		{"maximumBatchingWindowInSeconds", set.Window, 0, 300, false},
		{"parallelizationFactor", set.ParallelizationFactor, 1, 10, false},
		{"maximumRetryAttempts", set.Retries, -1, 10000, false},
		{"maximumRecordAgeInSeconds", set.MaxAge, -1, 604800, false},
		{"tumblingWindowInSeconds", set.Tumbling, 0, 900, false},
	} {
		word, bound := "", 0
		if r.value < r.least {
			word, bound = "greater", r.least
		} else if r.value > r.most {
			word, bound = "less", r.most
		}
		if word != "" {
			return &problem{validation, fmt.Sprintf("%sValue '%d' at '%s'%sMember must have value %s than or equal to %d", detected, r.value, r.name, unsatisfied, word, bound)}
		}
	}
	switch {
	case set.MaxAge >= 0 && set.MaxAge < 60:
		// The words are unconfirmed; the documented range is -1, then 60 on.
		return &problem{wrongValue, "MaximumRecordAgeInSeconds must be -1 or at least 60"}
	case set.runs() && set.StartingPosition == "":
		return &problem{wrongValue, detected + "Value null at 'startingPosition'" + unsatisfied + "Member must not be null."}
	case set.runs() && set.StartingPosition == atTimestamp:
		return &problem{wrongValue, "Unsupported starting position for arn type: " + set.Source}
	case set.runs() && set.StartingPosition != trimHorizon && set.StartingPosition != latest:
		return &problem{validation, detected + "Value '" + set.StartingPosition + "' at 'startingPosition'" + unsatisfied + "Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"}
	}
	if len(set.Filters) > maxFilters {
		return &problem{wrongValue, "Invalid filter pattern definition."}
	}
	if _, err := set.patterns(); err != nil {
		return &problem{wrongValue, "Invalid filter pattern definition."}
	}
	return nil
}

// maxFilters is how many filters a mapping may have (Lambda quotas: 5, up to
// 10 on request).
const maxFilters = 10

// matches tells whether a record passes the filters.
func matches(patterns []*eventpattern.Pattern, event []byte) bool {
	if len(patterns) == 0 {
		return true
	}
	v, err := eventpattern.Decode(event)
	if err != nil {
		return false
	}
	for _, p := range patterns {
		if p.Match(v) {
			return true
		}
	}
	return false
}

func (set settings) encode() ([]byte, error) { return json.Marshal(set) }
