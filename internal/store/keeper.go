package store

import "time"

// keeper owns the goroutine that makes checkpoints while others write.
type keeper struct {
	first, due chan struct{}
	ended      chan struct{}
	exited     chan struct{}
}

// start begins; dirty tells that there are rows already.
func (k *keeper) start(d *disk, dirty bool) {
	k.first, k.due = make(chan struct{}, 1), make(chan struct{}, 1)
	k.ended, k.exited = make(chan struct{}), make(chan struct{})
	k.tell(dirty, false)
	go k.run(d)
}

// tell is called after each commit. It does not wait.
func (k *keeper) tell(first, due bool) {
	if first {
		put(k.first)
	}
	if due {
		put(k.due)
	}
}

func put(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (k *keeper) stop() {
	close(k.ended)
	<-k.exited
}

func (k *keeper) run(d *disk) {
	defer close(k.exited)
	var (
		timer = time.NewTimer(checkpointIdle)
		last  uint64    // number of the last commit when the timer was set
		since time.Time // when there were rows first
	)
	defer timer.Stop()
	timer.Stop()
	for {
		select {
		case <-k.ended:
			return
		case <-k.first:
			last, since = d.number(), time.Now()
			timer.Reset(checkpointIdle)
			continue
		case <-timer.C:
			if now := d.number(); now != last && time.Since(since) < checkpointAge {
				last = now
				timer.Reset(checkpointIdle)
				continue
			}
		case <-k.due:
		}
		// A failure leaves everything as it was: writers hear of it when the log
		// is full, Close tells it, and this tries again.
		if left := d.keep(); left {
			last, since = d.number(), time.Now()
			timer.Reset(checkpointIdle)
		}
	}
}

// keep makes a checkpoint and tells whether there are rows behind it.
func (d *disk) keep() (left bool) {
	d.checkpoints.Lock()
	defer d.checkpoints.Unlock()
	_ = d.checkpoint(false)
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.rows != nil
}

func (d *disk) number() uint64 {
	d.writing.Lock()
	defer d.writing.Unlock()
	if d.log == nil {
		return 0
	}
	return d.log.number
}
