package websocketapi

import "unicode/utf8"

// toText makes what is no UTF-8 into U+FFFD, one for each maximal part of a
// character, because WebSocket text must be UTF-8 and API Gateway has no way
// to push a binary message. Valid text is returned as it is.
func toText(p []byte) []byte {
	if utf8.Valid(p) {
		return p
	}
	out := make([]byte, 0, len(p)+16)
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		if r == utf8.RuneError && n == 1 {
			out = append(out, "\uFFFD"...)
			p = p[brokenPart(p):]
			continue
		}
		out = append(out, p[:n]...)
		p = p[n:]
	}
	return out
}

// brokenPart is the length of the longest start of a valid character at the
// start of p, which holds none; at least 1.
func brokenPart(p []byte) int {
	n := 1
	for n < len(p) && n < utf8.UTFMax && !utf8.FullRune(p[:n]) && p[n]&0xc0 == 0x80 {
		// p[:n] may still become a character; does it with the next byte?
		if utf8.FullRune(p[:n+1]) && !utf8.Valid(p[:n+1]) {
			break
		}
		n++
	}
	return n
}
