package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hirune/lab/credit"
	"hirune/lab/load"
	"hirune/lab/scenario"
	"hirune/lab/stack"
)

// Case says which outage a patient has.
type Case struct {
	Options
	Scenario scenario.Scenario
	Rows     int           // in the table; 0: as the scenario says
	OldShare float64       // of them; 0: as the scenario says
	Cores    float64       // that the site has from the start, as after its credit is spent; 0: the plan's base
	Quiet    time.Duration // before the purge, to compare with
}

// Patient is a site whose daily purge has made it slow and was killed by its operator: the old rows are all there. The recorder has
// seen it, visitors keep coming, and hirune's verdict is known.
type Patient struct {
	Site    *stack.Stack
	Group   *credit.Group
	Program Program
	Verdict scenario.Answer
	Wrong   []string // of the verdict
	Marks   []Mark

	bench  *bench
	rec    *recorder
	cores  float64
	visits context.CancelFunc
	ended  chan error
}

// control is the mark of the quiet time before the outage.
const control = "control"

// Mark names a moment of the run.
type Mark struct {
	Name string  `json:"name"`
	At   float64 `json:"at"` // seconds from the start of the load
}

// Admit brings the site up and lets its outage happen; without a hirune to tell of it there is no outage. The caller must Discharge what it gets, which it gets also with an error.
func Admit(ctx context.Context, c Case, progress io.Writer) (*Patient, error) {
	p := &Patient{}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return p, fmt.Errorf("make the run's directory: %w", err)
	}
	sc := c.Scenario
	if c.Rows > 0 {
		sc.Stack.Seed.Rows = c.Rows
	}
	if c.OldShare > 0 {
		sc.Stack.Seed.OldShare = c.OldShare
	}
	p.cores = c.Cores
	if p.cores == 0 {
		p.cores = sc.Plan.Base()
	}
	sc.Stack.LogDuration = sc.Stack.Web != stack.Nginx
	for i := range sc.Load {
		sc.Load[i].Rate *= gentle
		sc.Load[i].Until = 0
	}
	p.bench = &bench{sc: sc, opt: c.Options, progress: progress, out: Outcome{Scenario: sc.Name}}
	p.Program = Program{Path: c.Hirune, State: filepath.Join(c.Out, "state"), Tape: p.bench.tape()}
	if err := os.RemoveAll(p.Program.State); err != nil { // an earlier patient's history is not this one's
		return p, fmt.Errorf("remove the state of an earlier run: %w", err)
	}
	if err := p.comeUp(ctx); err != nil || c.Hirune == "" {
		return p, err
	}
	if err := p.fallIll(ctx, c); err != nil {
		return p, err
	}
	return p, p.diagnose(ctx)
}

// gentle is the share of a scenario's load that leaves a capped site some room, also on a slow day of the machine: it must be quiet before the outage, and able to recover while visitors come.
const gentle = 0.45

// longest bounds a run: visitors are planned for so long.
const longest = 30 * time.Minute

func (p *Patient) comeUp(ctx context.Context) error {
	group, err := credit.NewGroup(fmt.Sprintf("hirune-lab-%d-%d", os.Getpid(), time.Now().UnixNano()%1e9))
	if err != nil {
		return err
	}
	p.Group, p.bench.group, p.Program.Wrap = group, group, group.Wrap
	cfg := p.bench.sc.Stack
	cfg.Keep, cfg.Wrap = p.bench.opt.Keep, group.Wrap
	if p.Site, err = stack.Up(ctx, cfg, p.bench.progress); err != nil {
		p.Site = nil
		return fmt.Errorf("bring the site up: %w", err)
	}
	p.bench.site = p.Site
	return p.Site.NoteCgroups(group.Dirs())
}

// fallIll plays the outage: quiet, the purge under the cap, the operator's KILL, and the way back.
func (p *Patient) fallIll(ctx context.Context, c Case) error {
	b := p.bench
	b.warm(ctx)
	b.start = time.Now().Truncate(time.Second).Add(lead + time.Second)
	due := b.start.Add(c.Quiet)
	if err := p.Site.ScheduleHook(ctx, due); err != nil {
		return err
	}
	rec, err := b.record()
	if err != nil {
		return err
	}
	p.rec = rec
	if err := p.Group.SetCores(p.cores); err != nil {
		return err
	}
	p.receive(ctx)
	fmt.Fprintf(b.progress, "%s: %d rows, %.2f cores, visitors on %s\n", b.sc.Name, b.sc.Stack.Seed.Rows, p.cores, p.Site.URL)
	p.mark(control, b.start)
	if err := wait(ctx, due); err != nil {
		return err
	}
	p.mark("outage", due)
	if err := p.killPurge(ctx); err != nil {
		return err
	}
	p.Mark("killed")
	return p.Calm(ctx, 2*time.Minute)
}

// receive lets visitors come until the patient is discharged.
func (p *Patient) receive(ctx context.Context) {
	b := p.bench
	ctx, p.visits = context.WithCancel(ctx)
	p.ended = make(chan error, 1)
	go func() {
		var err error
		b.results, err = load.Run(ctx, b.target(), load.Schedule(b.sc.Load, longest, b.opt.Seed+1), b.start)
		p.ended <- err
	}()
}

// The operator kills the purge when it has deleted this share of the old rows, or after this long: it was felt, and has not ended.
const (
	strainShare = 0.7
	strainMost  = 10 * time.Second
)

// killPurge waits for the purge, lets it run for a while, and kills it: everything it did is rolled back.
func (p *Patient) killPurge(ctx context.Context) error {
	const find = "SELECT P.ID, IFNULL(T.trx_rows_modified,0) FROM information_schema.PROCESSLIST P LEFT JOIN information_schema.INNODB_TRX T ON T.trx_mysql_thread_id=P.ID WHERE P.INFO LIKE 'DELETE FROM %s%%' AND P.COMMAND='Query'"
	look := func() (id string, modified int64, err error) {
		out, err := p.Site.SQL(ctx, fmt.Sprintf(find, p.Site.Table()))
		if err != nil || out == "" {
			return "", 0, err
		}
		if _, err := fmt.Sscan(out, &id, &modified); err != nil {
			return "", 0, fmt.Errorf("read the purge's state %q: %w", out, err)
		}
		return id, modified, nil
	}
	enough := int64(float64(p.bench.sc.Stack.Seed.Rows) * p.bench.sc.Stack.Seed.OldShare * strainShare)
	var id string
	var began time.Time
	err := poll(ctx, time.Minute, "the purge is killed", func() (bool, error) {
		now, modified, err := look()
		if err != nil || now == "" {
			if id != "" && err == nil {
				err = errors.New("the purge ended by itself before it could be killed: it takes more rows")
			}
			return false, err
		}
		if id == "" {
			began = time.Now()
		}
		id = now
		return modified >= enough || time.Since(began) > strainMost, nil
	})
	if err != nil {
		return err
	}
	if _, err := p.Site.SQL(ctx, "KILL QUERY "+id); err != nil {
		return fmt.Errorf("kill the purge: %w", err)
	}
	return poll(ctx, 2*time.Minute, "the purge is rolled back", func() (bool, error) {
		id, _, err := look()
		return id == "", err
	})
}

// Calm waits until three pages in a row are quick again.
func (p *Patient) Calm(ctx context.Context, bound time.Duration) error {
	quick := 0
	return poll(ctx, bound, "pages are quick again", func() (bool, error) {
		began := time.Now()
		if status, _ := p.Ask(ctx, http.MethodGet, "/"+stack.PostSlug(1)+"/", ""); status == http.StatusOK && time.Since(began) < 250*time.Millisecond {
			quick++
		} else {
			quick = 0
		}
		return quick == 3, nil
	})
}

// Ask sends one request to the site and returns the status, 0 without an answer, and the body.
func (p *Patient) Ask(ctx context.Context, method, path, body string) (int, string) {
	ctx, cancel := context.WithTimeout(ctx, load.GiveUp)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.Site.URL+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("User-Agent", "hirune-lab")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// diagnose asks for the verdict, capped as the site is, which also keeps it for the verbs that come.
func (p *Patient) diagnose(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	p.Mark("diagnose")
	r, err := p.Program.Run(ctx, "diagnose", "--json")
	if err != nil {
		return err
	}
	p.Verdict, p.Wrong = p.bench.sc.Verdict.Judge(r.Out, r.Exit)
	if len(p.Wrong) > 0 {
		p.Wrong = append(p.Wrong, r.says())
	}
	return r.Keep(p.bench.opt.Out, "verdict.json")
}

// Mark names the moment of now.
func (p *Patient) Mark(name string) { p.mark(name, time.Now()) }

func (p *Patient) mark(name string, at time.Time) {
	p.Marks = append(p.Marks, Mark{name, at.Sub(p.bench.start).Seconds()})
	fmt.Fprintf(p.bench.progress, "  %5.1f s  %s\n", p.Marks[len(p.Marks)-1].At, name)
}

// StopVisits sends the visitors home and returns what became of their requests, by phase: from each mark to the next.
func (p *Patient) StopVisits() (map[string]map[load.Kind]load.Figures, error) {
	if p.visits == nil {
		return nil, nil
	}
	p.Mark("end")
	p.visits()
	p.visits = nil
	err := <-p.ended // bounded: each client gives up after load.GiveUp
	phases := map[string]map[load.Kind]load.Figures{}
	for i, m := range p.Marks[:len(p.Marks)-1] {
		phases[m.Name] = load.Between(p.bench.results, seconds(m.At), seconds(p.Marks[i+1].At))
	}
	return phases, err
}

// StopRecorder ends the recording in order.
func (p *Patient) StopRecorder() error {
	if p.rec == nil {
		return nil
	}
	err := p.rec.stop()
	p.rec = nil
	return err
}

// Lift takes the cap away, Cap puts it back.
func (p *Patient) Lift() error { return p.Group.SetCores(float64(max(1, p.bench.sc.Plan.VCPUs))) }

// Cap gives the site its base rate only.
func (p *Patient) Cap() error { return p.Group.SetCores(p.cores) }

// Discharge ends everything that Admit began and keeps the daemons' logs.
func (p *Patient) Discharge() error {
	var errs []error
	if p.visits != nil {
		p.visits()
		errs = append(errs, <-p.ended)
	}
	if p.rec != nil {
		p.rec.abandon()
	}
	if p.Site != nil {
		errs = append(errs, p.bench.keepLogs(), p.Site.Down())
	}
	if p.Group != nil {
		errs = append(errs, p.Group.Remove())
	}
	return errors.Join(errs...)
}

// poll asks four times a second until ok, an error, or the bound.
func poll(ctx context.Context, bound time.Duration, what string, ok func() (bool, error)) error {
	for end := time.Now().Add(bound); ; {
		done, err := ok()
		if err != nil || done {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("not within %s: %s", bound, what)
		}
		if err := wait(ctx, time.Now().Add(250*time.Millisecond)); err != nil {
			return err
		}
	}
}
