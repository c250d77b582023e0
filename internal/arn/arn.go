// Package arn reads Amazon Resource Names and matches them against patterns
// the way IAM does.
package arn

import (
	"fmt"
	"strings"
)

// ARN is a name taken apart: "arn:{Partition}:{Service}:{Region}:{AccountID}:{Resource}".
type ARN struct {
	Partition string
	Service   string
	Region    string
	AccountID string
	Resource  string // may hold colons and slashes
}

// parts is the number of colon-separated parts: the prefix "arn" and the five
// fields of ARN.
const parts = 6

// Parse takes an ARN apart. It checks the shape, not whether the service knows
// such a resource.
func Parse(s string) (ARN, error) {
	p := strings.SplitN(s, ":", parts)
	if len(p) != parts || p[0] != "arn" {
		return ARN{}, fmt.Errorf("%q is no ARN (arn:partition:service:region:account:resource)", s)
	}
	a := ARN{Partition: p[1], Service: p[2], Region: p[3], AccountID: p[4], Resource: p[5]}
	if a.Partition == "" || a.Service == "" || a.Resource == "" {
		return ARN{}, fmt.Errorf("%q is no ARN: partition, service and resource must not be empty", s)
	}
	return a, nil
}

// Is tells whether s looks like an ARN at all.
func Is(s string) bool { return strings.HasPrefix(s, "arn:") }

// String puts the ARN together again.
func (a ARN) String() string {
	return "arn:" + a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.AccountID + ":" + a.Resource
}

// Type is the first part of the resource where the service writes one:
// "function" of "function:chat", "role" of "role/path/chat".
func (a ARN) Type() string {
	if i := strings.IndexAny(a.Resource, ":/"); i >= 0 {
		return a.Resource[:i]
	}
	return ""
}

// ID is the resource without its type: "chat" of "function:chat", "path/chat"
// of "role/path/chat", "events" of an SQS queue's "events".
func (a ARN) ID() string {
	if i := strings.IndexAny(a.Resource, ":/"); i >= 0 {
		return a.Resource[i+1:]
	}
	return a.Resource
}
