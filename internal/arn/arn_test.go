package arn

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseTakesAnARNApart(t *testing.T) {
	for _, c := range []struct {
		in, typ, id string
		want        ARN
	}{
		{"arn:aws:lambda:eu-west-1:123456789012:function:chat:live", "function", "chat:live",
			ARN{"aws", "lambda", "eu-west-1", "123456789012", "function:chat:live"}},
		{"arn:aws:iam::123456789012:role/app/chat", "role", "app/chat",
			ARN{"aws", "iam", "", "123456789012", "role/app/chat"}},
		{"arn:aws-cn:sqs:cn-north-1:123456789012:events", "", "events",
			ARN{"aws-cn", "sqs", "cn-north-1", "123456789012", "events"}},
		{"arn:aws:s3:::bucket/a:b", "bucket", "a:b", ARN{"aws", "s3", "", "", "bucket/a:b"}},
	} {
		got, err := Parse(c.in)
		if err != nil || got != c.want || got.Type() != c.typ || got.ID() != c.id || got.String() != c.in {
			t.Errorf("%s: %+v type %q id %q, %v", c.in, got, got.Type(), got.ID(), err)
		}
	}
	for _, bad := range []string{"", "arn", "arn:aws:lambda", "chat-fn", "arn:aws::::x", "arn:aws:s3:::", "xrn:aws:s3:::b"} {
		if a, err := Parse(bad); err == nil {
			t.Errorf("%q parsed as %+v", bad, a)
		}
	}
}

func TestMatchFollowsIAM(t *testing.T) {
	const post = "arn:aws:execute-api:us-east-1:123456789012:abc/dev/POST/@connections/{connectionId}"
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", post, true},
		{post, post, true},
		{"arn:aws:execute-api:us-east-1:123456789012:abc/dev/POST/@connections/*", post, true},
		{"arn:aws:execute-api:us-east-1:123456789012:abc/*", post, true},
		{"arn:aws:execute-api:*:*:*/@connections/*", post, true},
		{"arn:aws:execute-api:us-east-1:123456789012:abc/dev/POST/@connections", post, false},
		{"arn:aws:execute-api:us-east-1:123456789012:abc/dev/POST/@connections/L0SM9cOFvHcCIhw=", post, false},
		{"arn:aws:execute-api:us-east-1:123456789012:abc/dev/???T/@connections/*", post, true},
		{"arn:aws:execute-api:us-east-?:123456789012:abc/*", post, true},
		{"arn:aws:execute-api:us-east-1?:123456789012:abc/*", post, false},
		// A star at the end of a part reaches over colons, one inside does not.
		{"arn:aws:execute-api:*", post, true},
		{"arn:aws:*:abc/*", post, true},
		{"arn:aws:exec*api:us-east-1:123456789012:abc/*", post, true},
		{"arn:aws:execute-api:us*12:abc/*", post, false},
		{"arn:*", post, true},
		// In the resource part colons are ordinary characters.
		{"arn:aws:lambda:us-east-1:123456789012:function:*x", "arn:aws:lambda:us-east-1:123456789012:function:a:x", true},
		{"arn:aws:s3:::b/*.txt", "arn:aws:s3:::b/a:b.txt", true},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/", true},
		{"arn:aws:s3:::b/?*", "arn:aws:s3:::b/", false},
		{"", post, false},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestActionsMatchWithoutRegardToCase(t *testing.T) {
	if !LikeFold("Execute-API:Manage*", "execute-api:ManageConnections") || LikeFold("dynamodb:Get*", "dynamodb:PutItem") {
		t.Error("case counts")
	}
	if n := testing.AllocsPerRun(100, func() { _ = Like("dynamodb:*item", "dynamodb:putitem") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// path.Match knows the same two wildcards for texts without slashes.
func TestLikeAgreesWithPathMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "text")
		want, _ := path.Match(pattern, text)
		if got := Like(pattern, text); got != want {
			t.Fatalf("Like(%q, %q) = %v", pattern, text, got)
		}
		if got := match("*"+pattern, text, parts); got != Like("*"+pattern, text) {
			t.Fatalf("guarded match of %q, %q differs without any colon", pattern, text)
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("arn:aws:s3:::b/*", "arn:aws:s3:::b/k")
	f.Add("arn:*:*:*:*:*", "arn:a:b:c:d:e")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern) > 40 || len(name) > 80 {
			return
		}
		if Match(pattern, name) && !Like(pattern, name) {
			t.Errorf("%q matches %q only with guarded colons", name, pattern)
		}
		if !strings.ContainsAny(pattern, "*?") && Match(pattern, name) != (pattern == name) {
			t.Errorf("%q, %q", pattern, name)
		}
	})
}
