package lambda

import "time"

// pace is what a function's environments took lately. It tells whether a call
// that finds all of them busy is served sooner by one that comes back than by
// one that has to be started.
type pace struct {
	start time.Duration // from a start to the first return, the last one
	usual time.Duration // from a call to the return, smoothed
}

// settled is how much the past counts in usual: one slow call among many fast
// ones changes little, a function that has become slow is known after a few.
const settled = 8

// note takes up how long an environment was away, the first time with its start.
func (p *pace) note(away time.Duration, first bool) {
	switch {
	case first:
		p.start = away
	case p.usual == 0:
		p.usual = away
	default:
		p.usual += (away - p.usual) / settled
	}
}

// worth tells whether the last of so many waiting calls does well to wait for
// the first environment that is ready: one of the busy, the oldest of which was
// started or called that long ago, or one that starts meanwhile for all who
// wait. A start of its own would be no sooner, but end what comes back
// meanwhile in being idle: calls that follow closely on one another would end
// up with many more environments than run at once.
//
// It is worth it when one of the busy comes back within half of what a start
// takes. What is not known yet is taken for the best: the first environment's
// start has taken as long as it is away.
func (p *pace) worth(waiting, busy int, oldest time.Duration) bool {
	if busy == 0 {
		return false
	}
	start := p.start
	if start == 0 {
		start = oldest
	}
	return p.usual*time.Duration(waiting)/time.Duration(busy) < (start-p.usual)/2
}
