// Package answer is what DynamoDB's answers are made of: JSON appended to a
// buffer. It is to answers what package request is to requests.
package answer

import (
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/jsonwrite"
)

// Units appends capacity units, which always show a fraction.
func Units(dst []byte, name string, units float64) []byte {
	text := strconv.FormatFloat(units, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return append(jsonwrite.Member(dst, name), text...)
}

// Time appends a time as fractional seconds.
func Time(dst []byte, name string, t time.Time) []byte {
	return strconv.AppendFloat(jsonwrite.Member(dst, name), float64(t.UnixMilli())/1000, 'f', 3, 64)
}

// Account is whose tables they are and where, which their ARNs say.
type Account struct {
	Partition string
	Region    string
	ID        string
}

// Table is the ARN of a table.
func (a Account) Table(name string) string {
	return "arn:" + a.Partition + ":dynamodb:" + a.Region + ":" + a.ID + ":table/" + name
}

// Index is the ARN of a table's index.
func (a Account) Index(table, index string) string { return a.Table(table) + "/index/" + index }

// Stream is the ARN of a table's stream.
func (a Account) Stream(table, label string) string { return a.Table(table) + "/stream/" + label }

// TableOf is the name in the ARN of one of the account's tables.
func (a Account) TableOf(arn string) (name string, ok bool) {
	name, ok = strings.CutPrefix(arn, a.Table(""))
	return name, ok && !strings.Contains(name, "/")
}
