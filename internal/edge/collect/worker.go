package collect

// worker does one call after the other on its goroutine.
type worker struct {
	calls chan call
	done  chan report
	ended chan struct{}
}

func newWorker() *worker {
	w := &worker{calls: make(chan call), done: make(chan report, 1), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		for c := range w.calls {
			records, err := c.do()
			w.done <- report{slot: c.slot, records: records, err: err}
		}
	}()
	return w
}

// seeOff waits for the call that is under way and ends the worker. The channel
// back has room for every slot, so this never blocks on it.
func (w *worker) seeOff(back chan<- report) {
	rep := <-w.done
	close(w.calls)
	<-w.ended
	back <- rep
}
