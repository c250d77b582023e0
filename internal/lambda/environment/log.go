package environment

import (
	"strconv"
	"sync"
	"time"

	"github.com/suiro-dev/suiro/internal/journal"
	"github.com/suiro-dev/suiro/internal/lambda/telemetry"
	"github.com/suiro-dev/suiro/internal/process"
)

// tailSize is how much log X-Amz-Log-Type: Tail returns.
const tailSize = 4 << 10

// tail keeps the last of an invocation's log.
type tail struct {
	mu  sync.Mutex
	log []byte
}

func (t *tail) add(text []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.log = append(append(t.log, text...), '\n')
	if over := len(t.log) - tailSize; over > 0 {
		t.log = append(t.log[:0], t.log[over:]...)
	}
}

// noTail is the log of an invocation that nobody asked it of.
func noTail() []byte { return nil }

func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]byte(nil), t.log...)
}

// output takes what a process of a life writes.
func (e *Environment) output(of *life, kind telemetry.Kind, l process.Line) {
	inv := e.logging.Load()
	if inv != nil && inv.LogTail {
		inv.tail.add(l.Text)
	}
	of.hub.Line(kind, l.Text)
	if !e.cfg.Journal.Wants(journal.Logged) {
		return
	}
	entry := e.entry(journal.Logged)
	entry.Stream, entry.Text = l.Stream, string(l.Text)
	if inv != nil {
		entry.RequestID = inv.RequestID
	}
	e.cfg.Journal.Publish(entry)
}

// log writes a line of the platform's into an invocation's log.
func (inv *invocation) log(line string) { inv.env.platform(inv, line) }

func (e *Environment) platform(inv *invocation, line string) {
	if inv != nil && inv.LogTail {
		inv.tail.add([]byte(line))
	}
	if !e.cfg.Journal.Wants(journal.Logged) {
		return
	}
	entry := e.entry(journal.Logged)
	entry.Stream, entry.Text = "platform", line
	if inv != nil {
		entry.RequestID = inv.RequestID
	}
	e.cfg.Journal.Publish(entry)
}

// report writes END and REPORT, in the style of 2025 with the status in the
// REPORT line and a tab at the end of a good one. An invocation that never
// started has neither.
func (inv *invocation) report(l *life, peak int64) {
	e := inv.env
	if !inv.LogTail && !e.cfg.Journal.Wants(journal.Logged) {
		return
	}
	inv.log("END RequestId: " + inv.RequestID)
	if l != nil {
		peak = e.peakOf(l)
	}
	billed := inv.end.Duration + inv.initTime
	b := make([]byte, 0, 256)
	b = append(append(b, "REPORT RequestId: "...), inv.RequestID...)
	b = append(b, "\tDuration: "...)
	b = strconv.AppendFloat(b, float64(inv.end.Duration)/float64(time.Millisecond), 'f', 2, 64)
	b = append(b, " ms\tBilled Duration: "...)
	b = strconv.AppendInt(b, int64((billed+time.Millisecond-1)/time.Millisecond), 10)
	b = append(b, " ms\tMemory Size: "...)
	b = strconv.AppendInt(b, int64(e.cfg.Function.MemorySize), 10)
	b = append(b, " MB\tMax Memory Used: "...)
	b = strconv.AppendInt(b, (peak+1<<20-1)>>20, 10)
	line := string(append(b, " MB\t"...))
	if inv.initTime > 0 {
		line += "Init Duration: " + milliseconds(inv.initTime) + " ms\t"
	}
	if f := inv.failure; f != nil && f.status != "" {
		line += "Status: " + f.status
		if f.status == "error" {
			line += "\tError Type: " + f.errorType
		}
	}
	inv.log(line)
}

// milliseconds is a duration as Lambda prints it: 3.01.
func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

// peakOf is the most memory that the runtime of a life was seen to use.
func (e *Environment) peakOf(l *life) int64 {
	e.mu.Lock()
	p, peak := l.process, l.peak
	e.mu.Unlock()
	if p != nil {
		peak = max(peak, p.PeakMemory())
	}
	return peak
}
