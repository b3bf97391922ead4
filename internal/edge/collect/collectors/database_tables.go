package collectors

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/edge/mysql"
)

// job is something to look into beside the beat: one or a few queries.
type job func(ctx context.Context, s *databaseServer, l *look) error

// task is a job that waits for its turn.
type task struct {
	do    job
	again bool // a server that answered too late is asked a second time, not a third
}

// queue puts jobs at the end of what is left to do.
func (s *databaseServer) queue(jobs ...job) {
	for _, j := range jobs {
		s.jobs = append(s.jobs, task{do: j})
	}
}

const (
	suspectAgain    = 5 * time.Minute  // until a statement is looked into again
	tablesEvery     = 10 * time.Minute // sizes and indexes of the largest tables
	digestsEvery    = time.Minute
	largestTables   = 30
	largestGrowth   = 3  // tables of each site whose growth is probed
	topDigests      = 15 // by time, and by count
	maxDatabaseJobs = 60
	growthFrom      = 8 << 20 // bytes; a smaller table explains no outage
)

// suspect queues what is to be known of a statement that runs long, or often: its filter
// and plan at once, because both are gone when it ends, then its table.
func (s *databaseServer) suspect(now time.Time, running []mysql.Running) {
	maps.DeleteFunc(s.suspects, func(_ string, at time.Time) bool { return now.Sub(at) > suspectAgain })
	s.often.count(now, running)
	for _, r := range running {
		if !longRunning(r) && !s.often.ran(r) || len(s.jobs) >= maxDatabaseJobs {
			continue
		}
		if _, seen := s.suspects[r.Digest]; seen {
			continue
		}
		s.suspects[r.Digest] = now
		s.jobs = slices.Insert(s.jobs, 0, task{do: planJob(r)})
		if r.Table != "" && r.Schema != "" {
			s.queue(tableJob(r.Schema, r.Table), growthJob(r.Schema, r.Table, r.Parsed.Filter))
		}
	}
}

func longRunning(r mysql.Running) bool {
	switch r.Verb {
	case "UPDATE", "DELETE":
		return r.RunningMs >= 1000
	case "":
		return false
	}
	return r.RunningMs >= 2000
}

// regular queues what is read at the start and then now and again.
func (s *databaseServer) regular(now time.Time) {
	if s.tablesAt.IsZero() || now.Sub(s.tablesAt) >= tablesEvery {
		s.tablesAt = now
		s.queue(serverJob, eventsJob(now), limitsJob, schemasJob())
	}
	if s.digestAt.IsZero() || now.Sub(s.digestAt) >= digestsEvery {
		s.digestAt = now
		s.queue(digestsJob(now))
	}
}

// work does the jobs that fit into this beat: one at least.
func (s *databaseServer) work(ctx context.Context, l *look) error {
	begun := time.Now()
	for len(s.jobs) > 0 && ctx.Err() == nil && !s.conn.Lost() {
		t := s.jobs[0]
		s.jobs = s.jobs[1:]
		err := t.do(ctx, s, l)
		if errors.Is(err, mysql.ErrSlow) && !t.again {
			s.jobs = append(s.jobs, task{t.do, true})
		}
		if err != nil && s.conn.Lost() {
			return err
		}
		// what else fails without losing the connection is not there, or not
		// allowed: a plan of a statement that has ended, a table that is gone
		if time.Since(begun) > 100*time.Millisecond {
			break
		}
	}
	return nil
}

func serverJob(ctx context.Context, s *databaseServer, l *look) error {
	v, err := s.conn.Server(ctx)
	if err == nil {
		s.limit = v.MaxConnections
		l.emit(v)
	}
	return err
}

func limitsJob(ctx context.Context, s *databaseServer, _ *look) error {
	limits, err := s.conn.UserLimits(ctx)
	if limits != nil {
		s.limits = limits
	}
	return err
}

// eventsJob tells what the database starts by itself.
func eventsJob(now time.Time) job {
	return func(ctx context.Context, s *databaseServer, l *look) error {
		es, err := s.conn.Events(ctx, now)
		for _, e := range es {
			l.emit(e)
		}
		return err
	}
}

// schemasJob queues one job for each database: those of the sites, or all that
// the account sees.
func schemasJob() job {
	return func(ctx context.Context, s *databaseServer, _ *look) error {
		schemas, err := s.conn.Schemas(ctx)
		var sites []string
		for _, c := range s.creds {
			if c.Schema != "" && !slices.Contains(sites, c.Schema) {
				sites = append(sites, c.Schema)
			}
		}
		if len(sites) == 0 {
			sites = schemas
		}
		for _, name := range sites[:min(len(sites), 20)] {
			s.queue(largestJob(name))
		}
		return err
	}
}

func largestJob(schema string) job {
	return func(ctx context.Context, s *databaseServer, l *look) error {
		ts, err := s.conn.Tables(ctx, schema, largestTables)
		if len(ts) > 0 && ts[0].Rows == -1 {
			l.emit(evidence.Unseen{Source: "database", Code: "no-table-right", What: "indexes, rows and growth of the tables of " + schema,
				Detail: "logged in as " + s.conn.Account(), Hint: s.conn.GrantSelect(schema)})
		}
		grown := 0
		for _, t := range ts {
			l.emit(t)
			if grown < largestGrowth && t.AutoInc > 0 && max(t.FileBytes, t.DataBytes) >= growthFrom {
				s.queue(growthJob(schema, t.Name, evidence.Filter{}))
				grown++
			}
		}
		return err
	}
}

func planJob(r mysql.Running) job {
	return func(ctx context.Context, s *databaseServer, l *look) error {
		if f := r.Parsed.Filter; f.Table != "" {
			f.DB, f.Schema = r.DB, r.Schema
			l.emit(f)
		}
		ps, err := s.conn.Explain(ctx, r)
		for _, p := range ps {
			l.emit(p)
		}
		return err
	}
}

func tableJob(schema, table string) job {
	return func(ctx context.Context, s *databaseServer, l *look) error {
		t, ok, err := s.conn.Table(ctx, schema, table)
		if err == nil && ok {
			l.emit(t)
		}
		return err
	}
}

func growthJob(schema, table string, f evidence.Filter) job {
	return func(ctx context.Context, s *databaseServer, l *look) error {
		g, err := s.conn.GrowthSinceDeletes(ctx, schema, table, slices.Concat(f.Range, f.Wrapped))
		if errors.Is(err, mysql.ErrNoGrowth) {
			return nil
		}
		if err == nil && len(g.Probes) > 0 {
			l.emit(g)
		}
		return err
	}
}

func digestsJob(now time.Time) job {
	return func(ctx context.Context, s *databaseServer, l *look) error {
		us, ok, err := s.conn.Digests(ctx, now, topDigests)
		if ok {
			for _, u := range us {
				l.emit(u)
			}
		}
		return err
	}
}
