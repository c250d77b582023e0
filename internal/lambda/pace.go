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

// wait is how long the last of so many waiting calls may wait for one of the
// busy environments, the oldest of which was started or called that long ago;
// 0: another one is worth its start.
//
// It is half of what a start takes, so that a call which waits in vain is late
// by half a start at most, while a function whose calls are long, or which gets
// more of them than its environments can take, is given more environments at
// once. What is not known yet is taken for the best: the first environment's
// start has taken as long as it is away.
func (p *pace) wait(waiting, busy int, oldest time.Duration) time.Duration {
	if busy == 0 {
		return 0
	}
	start := p.start
	if start == 0 {
		start = oldest
	}
	worth := (start - p.usual) / 2
	if p.usual*time.Duration(waiting)/time.Duration(busy) >= worth {
		return 0
	}
	return worth
}
