package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"hirune/internal/core/block"
	"hirune/internal/edge/banbook"
	"hirune/internal/edge/firewall"
)

// Keeper keeps the layers as the book of bans says: what a flush of the ruleset or
// a reboot has taken away is put back, what nobody wants is taken out, and who
// logs in here meanwhile is cut out. It decides nothing by itself.
type Keeper struct {
	Hands func() firewall.Hands // of one layer, for the world as it is now
	Book  firewall.Book
	Now   func() time.Time
	Say   func(text string) // what was put right
	Fail  func(error)       // a failure; nil: it works again
	Every time.Duration     // 0: keepEvery
	// Web says that the layer is the web servers'. They do not end a ban by
	// themselves, and proving a list takes some of their pages: a slow site is given
	// time, and after a failure it is left alone for a while, not reloaded again.
	Web bool
}

const (
	// keepEvery is well within the minute in which a flush has to be healed.
	keepEvery = 25 * time.Second
	// keepFor and keepWebFor bound one comparison.
	keepFor    = 15 * time.Second
	keepWebFor = 3 * time.Minute
	// keepWebRest is how long a web server is left alone after a failure.
	keepWebRest = 10 * time.Minute
)

// Run compares until ctx ends. It starts nothing that it does not wait for.
func (k Keeper) Run(ctx context.Context) {
	every := k.Every
	if every == 0 {
		every = keepEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	failing, used := "", k.Web // what ended meanwhile is still in a web server's list
	var again time.Time
	for {
		if k.Web && k.Now().Before(again) {
			if !k.next(ctx, tick) {
				return
			}
			continue
		}
		err := k.once(ctx, &used)
		if err != nil {
			again = k.Now().Add(keepWebRest)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && err.Error() != failing:
			failing = err.Error()
			k.Fail(err)
		case err == nil && failing != "":
			failing = ""
			k.Fail(nil)
		}
		if !k.next(ctx, tick) {
			return
		}
	}
}

// next waits for the next tick; false: ctx has ended.
func (Keeper) next(ctx context.Context, tick *time.Ticker) bool {
	select {
	case <-ctx.Done():
		return false
	case <-tick.C:
		return true
	}
}

// once compares once. A server where nobody was ever banned is not touched; used
// says that it was, so that the end of the last ban is seen to as well.
func (k Keeper) once(ctx context.Context, used *bool) error {
	entries, _, err := k.Book.Read()
	if err != nil {
		return err
	}
	now := k.Now()
	book := block.Fold(entries, now)
	if !k.Web { // one of the two writes it down
		if err := k.noteEnds(book.Due, now); err != nil {
			return err
		}
	}
	if len(entries) == 0 || len(book.Bans) == 0 && !*used {
		return nil
	}
	bound := keepFor
	if k.Web {
		bound = keepWebFor
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	healed, _, err := k.Hands().Heal(ctx)
	if healed.Any() {
		k.Say(healed.String())
	}
	if err != nil {
		return fmt.Errorf("keep the bans in force: %w", err)
	}
	*used = len(book.Bans) > 0
	return nil
}

// noteEnds writes down which bans have run out.
func (k Keeper) noteEnds(due []block.Ban, now time.Time) error {
	var out []block.Entry
	for _, b := range due {
		out = append(out, block.Entry{At: now, Event: block.Expired, Prefix: b.Prefix, Layer: b.Layer, Run: b.Run, By: block.ByRecorder})
	}
	return k.Book.Append(now, out...)
}

// keepBans keeps the bans in force beside a recorder, where this user can. The
// caller ends it with what it returns.
func (a *app) keepBans(ctx context.Context, dir string, eyes *eyes) (end func()) {
	if a.euid != 0 {
		return func() {}
	}
	k := Keeper{Book: banbook.Book{Dir: dir}, Now: a.now,
		Hands: func() firewall.Hands { return a.blockadeOf(eyes.found(), eyes.finder.Override, dir).hands() },
		Say:   func(text string) { fmt.Fprintf(a.err, "bans put right: %s\n", safe(text)) },
		Fail: func(err error) {
			if err == nil {
				fmt.Fprintln(a.err, "the bans can be kept in force again")
				return
			}
			a.complain(err)
		},
	}
	web := k
	web.Web = true
	web.Hands = func() firewall.Hands { return a.blockadeOf(eyes.found(), eyes.finder.Override, dir).webHands(true) }
	ctx, stop := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() { k.Run(ctx) })
	ended.Go(func() { web.Run(ctx) })
	return func() { stop(); ended.Wait() }
}
