package answer

import (
	"github.com/suiro-dev/suiro/internal/dynamodb/stream"
	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// Spelling is one of the two of a record: the API's, and that of the events which
// functions get.
type Spelling int

const (
	StreamsAPI Spelling = iota
	FunctionEvent
)

// Record appends the members of a record.
func (a Account) Record(dst []byte, d *stream.Definition, r *stream.Record, spelling Spelling) []byte {
	dst = jsonwrite.Text(dst, "eventID", d.EventID(r.Sequence))
	dst = jsonwrite.Text(dst, "eventName", r.Event)
	dst = jsonwrite.Text(dst, "eventVersion", "1.1")
	dst = jsonwrite.Text(dst, "eventSource", "aws:dynamodb")
	dst = jsonwrite.Text(dst, "awsRegion", a.Region)
	dst = jsonwrite.Int(jsonwrite.Object(dst, "dynamodb"), "ApproximateCreationDateTime", r.Time.Unix())
	dst = r.Keys.AppendJSON(jsonwrite.Member(dst, "Keys"))
	if r.New != nil {
		dst = r.New.AppendJSON(jsonwrite.Member(dst, "NewImage"))
	}
	if r.Old != nil {
		dst = r.Old.AppendJSON(jsonwrite.Member(dst, "OldImage"))
	}
	dst = jsonwrite.Text(dst, "SequenceNumber", stream.FormatSequence(r.Sequence))
	dst = jsonwrite.Int(dst, "SizeBytes", int64(r.Size()))
	dst = append(jsonwrite.Text(dst, "StreamViewType", d.View), '}')
	if r.ByService {
		principal, kind := "PrincipalId", "Type"
		if spelling == FunctionEvent {
			principal, kind = "principalId", "type"
		}
		dst = jsonwrite.Text(jsonwrite.Object(dst, "userIdentity"), principal, "dynamodb.amazonaws.com")
		dst = append(jsonwrite.Text(dst, kind, "Service"), '}')
	}
	if spelling == FunctionEvent {
		dst = jsonwrite.Text(dst, "eventSourceARN", a.Stream(d.Table, d.Label))
	}
	return dst
}
