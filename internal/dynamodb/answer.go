package dynamodb

import (
	"strconv"
	"strings"
	"time"

	"github.com/suiro-dev/suiro/internal/dynamodb/attribute"
)

// Answers are JSON appended to a buffer. These functions put a comma where one
// is needed, which the byte in front tells.

func separate(dst []byte) []byte {
	if last := dst[len(dst)-1]; last != '{' && last != '[' {
		dst = append(dst, ',')
	}
	return dst
}

// member appends a member's name; its value must follow.
func member(dst []byte, name string) []byte {
	dst = append(separate(dst), '"')
	return append(append(dst, name...), '"', ':')
}

// object appends the beginning of a member that is an object.
func object(dst []byte, name string) []byte { return append(member(dst, name), '{') }

// list appends the beginning of a member that is a list.
func list(dst []byte, name string) []byte { return append(member(dst, name), '[') }

func appendText(dst []byte, name, value string) []byte {
	return attribute.AppendText(member(dst, name), value)
}

func appendTexts(dst []byte, name string, values []string) []byte {
	dst = list(dst, name)
	for _, v := range values {
		dst = attribute.AppendText(separate(dst), v)
	}
	return append(dst, ']')
}

func appendInt(dst []byte, name string, value int64) []byte {
	return strconv.AppendInt(member(dst, name), value, 10)
}

func appendBool(dst []byte, name string, value bool) []byte {
	return strconv.AppendBool(member(dst, name), value)
}

// appendUnits appends capacity units, which always show a fraction.
func appendUnits(dst []byte, name string, units float64) []byte {
	text := strconv.FormatFloat(units, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return append(member(dst, name), text...)
}

// appendTime appends a time as fractional seconds.
func appendTime(dst []byte, name string, t time.Time) []byte {
	return strconv.AppendFloat(member(dst, name), float64(t.UnixMilli())/1000, 'f', 3, 64)
}

func (s *Service) tableARN(name string) string {
	return "arn:" + s.config.Partition + ":dynamodb:" + s.config.Region + ":" + s.config.AccountID + ":table/" + name
}

func (s *Service) indexARN(table, index string) string { return s.tableARN(table) + "/index/" + index }
