package arn

import "strings"

// Match matches an ARN against an IAM pattern with * (any run of characters)
// and ? (any one character).
//
// Within the first five parts a wildcard stays in its part, unless it is the
// part's last character: then it also reaches over colons, so that
// "arn:aws:lambda:*:function:chat" covers region and account (IAM User Guide,
// "IAM JSON policy elements: Resource"). In the resource part wildcards match
// everything, colons and slashes included.
func Match(pattern, name string) bool {
	if pattern == "*" {
		return true
	}
	return match(pattern, name, parts-1)
}

// Like matches text against a pattern with * and ?, without any regard for
// colons: StringLike, and action names.
func Like(pattern, text string) bool { return match(pattern, text, 0) }

// LikeFold is Like for texts whose case does not count, as in action names
// ("S3:getobject"). Only ASCII letters are folded.
func LikeFold(pattern, text string) bool {
	return Like(asciiLower(pattern), asciiLower(text))
}

// match walks both texts once and goes back only to the last star, which is
// enough for patterns of stars and single characters when any star may match
// anything. With guarded colons a star can be unable to grow; then earlier
// stars are tried by recursion, which is bounded by the number of guarded
// parts. guarded is how many colons of the pattern a star may not cross.
func match(pattern, text string, guarded int) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			rest := strings.TrimLeft(pattern, "*")
			free := guarded == 0 || rest == "" || rest[0] == ':'
			if rest == "" {
				return true
			}
			if guarded == 0 {
				return matchFree(rest, text)
			}
			for i := 0; ; i++ {
				if match(rest, text[i:], guarded) {
					return true
				}
				if i == len(text) || !free && text[i] == ':' {
					return false
				}
			}
		case ':':
			if text == "" || text[0] != ':' {
				return false
			}
			if guarded > 0 {
				guarded--
			}
		case '?':
			if text == "" || guarded > 0 && text[0] == ':' {
				return false
			}
		default:
			if text == "" || text[0] != pattern[0] {
				return false
			}
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}

// matchFree matches what follows a star that may match anything: in linear
// space and without recursion, by remembering only the last star.
func matchFree(pattern, text string) bool {
	p, t, star, mark := 0, 0, 0, 0 // the pattern begins just after a star
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			p++
			star, mark = p, t
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		default:
			mark++
			p, t = star, mark
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func asciiLower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			return strings.ToLower(s)
		}
	}
	return s
}
