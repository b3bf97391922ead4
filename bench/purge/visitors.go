package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"hirune/lab/load"
)

// What visitors' statements do, beside their pages.
const (
	insert load.Kind = "insert" // a failed log-in's row into the table that is purged
	read   load.Kind = "read"   // an option, a post, the newest rows of the table
)

// clients is how many connections visitors may hold at once.
const clients = 60

// visitors come until they are sent home.
type visitors struct {
	start   time.Time
	from    time.Duration // since start: the method's begin and end, and the end of the visit
	until   time.Duration
	end     time.Duration
	cancel  context.CancelFunc
	db      *sql.DB
	wg      sync.WaitGroup
	results [2][]load.Result // pages, statements
	errs    [2]error
}

// visit lets visitors come from a moment shortly after now.
func (b *bed) visit(ctx context.Context, seed uint64) (*visitors, error) {
	db, err := b.database(clients)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	v := &visitors{start: time.Now().Add(200 * time.Millisecond), cancel: cancel, db: db}
	v.wg.Go(func() {
		shots := load.Schedule([]load.Stream{{Kind: load.Page, Rate: b.pages, Clients: 400, Net: 20}}, b.bound, seed)
		v.results[0], v.errs[0] = load.Run(ctx, b.target(), shots, v.start)
	})
	v.wg.Go(func() { v.results[1], v.errs[1] = b.query(ctx, db, v.start, seed) })
	return v, nil
}

// since is how far the visit is.
func (v *visitors) since() time.Duration { return time.Since(v.start) }

// leave sends the visitors home; their last requests are waited for.
func (v *visitors) leave() ([]load.Result, error) {
	v.cancel()
	v.wg.Wait()
	v.db.Close()
	for _, err := range v.errs {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(v.results[0], v.results[1]), nil
}

// query sends small statements at their times, whether earlier ones were answered or not.
func (b *bed) query(ctx context.Context, db *sql.DB, start time.Time, seed uint64) ([]load.Result, error) {
	shots := statements(b.inserts, b.reads, b.bound, seed)
	results := make([]load.Result, len(shots))
	sent := 0
	var wg sync.WaitGroup
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i, shot := range shots {
		timer.Reset(time.Until(start.Add(shot.At)))
		select {
		case <-ctx.Done():
			wg.Wait()
			return results[:sent], nil
		case <-timer.C:
		}
		sent++
		wg.Go(func() { results[i] = b.send(db, shot, start.Add(shot.At)) })
	}
	wg.Wait()
	return results[:sent], nil
}

// statements fixes what is sent when; the same seed gives the same.
func statements(inserts, reads float64, length time.Duration, seed uint64) []load.Shot {
	var out []load.Shot
	for i, s := range []struct {
		kind load.Kind
		rate float64
	}{{insert, inserts}, {read, reads}} {
		rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
		if s.rate <= 0 {
			continue
		}
		for at := rng.ExpFloat64() / s.rate; at < length.Seconds(); at += rng.ExpFloat64() / s.rate {
			out = append(out, load.Shot{At: time.Duration(at * float64(time.Second)), Kind: s.kind, Pick: rng.Uint64()})
		}
	}
	slices.SortStableFunc(out, func(a, b load.Shot) int { return int(a.At - b.At) })
	return out
}

func (b *bed) send(db *sql.DB, shot load.Shot, intended time.Time) load.Result {
	// Nobody waits longer, and the end of the visit is no reason to give up.
	ctx, cancel := context.WithDeadline(context.Background(), intended.Add(load.GiveUp))
	defer cancel()
	err := b.statement(ctx, db, shot)
	r := load.Result{Shot: shot, Latency: time.Since(intended), OK: err == nil}
	if err != nil {
		r.Why = err.Error()
	}
	return r
}

func (b *bed) statement(ctx context.Context, db *sql.DB, shot load.Shot) error {
	if shot.Kind == insert {
		_, err := db.ExecContext(ctx, "INSERT INTO "+b.Site.Table()+" (network_id,site_id,username,ip,level,event_type,details,stacktrace,created,country_code)"+
			" VALUES (1,1,?,?,'warning','failed_login',?,REPEAT('stack frame ',220),UNIX_TIMESTAMP(),'')",
			fmt.Sprintf("guest%d", shot.Pick%1000), fmt.Sprintf("198.18.66.%d", shot.Pick%250), `{"failed_login":{"known":false}}`)
		return err
	}
	q := fmt.Sprintf("SELECT post_content FROM wp_posts WHERE post_name='notes-from-the-kissa-%d'", 1+shot.Pick%300)
	switch shot.Pick % 3 {
	case 1:
		q = "SELECT option_value FROM wp_options WHERE option_name='blogname'"
	case 2:
		q = "SELECT username FROM " + b.Site.Table() + " ORDER BY id DESC LIMIT 10"
	}
	rows, err := db.QueryContext(ctx, q)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text sql.RawBytes
		if err := rows.Scan(&text); err != nil {
			return err
		}
	}
	return rows.Err()
}
