package diag

import "strings"

// DidYouMean is a hint for a name that is not known: "did you mean
// ChatTable?", or "" when none of the known names is near enough. Hand it to
// WithHint with "%s".
func DidYouMean(wrong string, known []string) string {
	best, distance := "", len(wrong)/3+1
	for _, k := range known {
		if strings.EqualFold(k, wrong) {
			return "did you mean " + k + "?"
		}
		if d := editDistance(wrong, k, distance); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours between a and b; it stops at limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return min(old[len(b)], limit)
}
