package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"hirune/lab/run"
)

// method is one way to delete the old rows.
type method struct {
	name, title string
	do          func(ctx context.Context, b *bed, keep string) (spent, error)
}

// spent is what a tool in a process of its own has used; zero for a client that only sends statements.
type spent struct {
	CPUSeconds float64 `json:"cpu_s"`
	RSSMB      float64 `json:"rss_mb"`
	WorkS      float64 `json:"work_s,omitempty"` // of hirune's wall time, what its deleting or swapping took: before it there is the planning
}

var methods = []method{
	{"none", "nothing", idle},
	{"single", "one DELETE", single},
	{"loop5000", "`DELETE … LIMIT 5000` by hand", handLoop(false)},
	{"loop5000-index", "the same, after ADD INDEX", handLoop(true)},
	{"pt-archiver", "pt-archiver, bulk, 1000", ptArchiver},
	{"ranges1000", "id ranges of 1000", ranges(0)},
	{"ranges1000-pause", "id ranges of 1000, 0.1 s pause", ranges(100 * time.Millisecond)},
	{"hirune", "hirune", hirune()},
	{"hirune-noarchive", "hirune, deleted rows not kept", hirune("--no-archive", "--accept", "delete-in-chunks")},
	{"hirune-swap", "hirune, keep and swap", hirune("--strategy", "swap", "--accept", "drop-table")},
}

func idle(ctx context.Context, b *bed, _ string) (spent, error) {
	select {
	case <-ctx.Done():
	case <-time.After(b.idle):
	}
	return spent{}, ctx.Err()
}

// on runs statements on one connection, as a client by hand does.
func on(ctx context.Context, b *bed, do func(*sql.Conn) error) (spent, error) {
	db, err := b.database(1)
	if err != nil {
		return spent{}, err
	}
	defer db.Close()
	c, err := db.Conn(ctx)
	if err != nil {
		return spent{}, fmt.Errorf("connect: %w", err)
	}
	defer c.Close()
	return spent{}, do(c)
}

func single(ctx context.Context, b *bed, _ string) (spent, error) {
	return on(ctx, b, func(c *sql.Conn) error {
		_, err := c.ExecContext(ctx, b.Site.PurgeSQL(b.seeded))
		return err
	})
}

func handLoop(index bool) func(context.Context, *bed, string) (spent, error) {
	return func(ctx context.Context, b *bed, _ string) (spent, error) {
		return on(ctx, b, func(c *sql.Conn) error {
			if index {
				if _, err := c.ExecContext(ctx, "ALTER TABLE "+b.Site.Table()+" ADD INDEX by_hand (created), ALGORITHM=INPLACE, LOCK=NONE"); err != nil {
					return err
				}
			}
			for {
				r, err := c.ExecContext(ctx, b.Site.PurgeSQL(b.seeded)+" LIMIT 5000")
				if err != nil {
					return err
				}
				if n, err := r.RowsAffected(); err != nil || n == 0 {
					return err
				}
			}
		})
	}
}

// ranges walks the key up to the first row that stays, which it knows beforehand: the best that can be done by hand.
func ranges(pause time.Duration) func(context.Context, *bed, string) (spent, error) {
	return func(ctx context.Context, b *bed, _ string) (spent, error) {
		return on(ctx, b, func(c *sql.Conn) error {
			last := int64(float64(b.rows) * b.old)
			for from := int64(1); from <= last; from += 1000 {
				if _, err := c.ExecContext(ctx, fmt.Sprintf("%s AND id >= %d AND id < %d", b.Site.PurgeSQL(b.seeded), from, from+1000)); err != nil {
					return err
				}
				if pause > 0 {
					time.Sleep(pause)
				}
			}
			return ctx.Err()
		})
	}
}

func ptArchiver(ctx context.Context, b *bed, keep string) (spent, error) {
	path, err := exec.LookPath("pt-archiver")
	if err != nil {
		return spent{}, errors.New("pt-archiver is not installed: apt-get install percona-toolkit libdbd-mysql-perl")
	}
	argv := []string{path, "--source", fmt.Sprintf("S=%s,u=root,D=%s,t=%s", b.Site.DBSocket, b.Site.DBName, b.Site.Table()), "--where", b.Site.Old(b.seeded),
		"--purge", "--bulk-delete", "--limit", "1000", "--commit-each", "--no-check-charset", "--no-version-check"}
	if !b.toolOutside {
		argv = b.Group.Wrap(argv)
	}
	out, err := os.Create(keep + ".out")
	if err != nil {
		return spent{}, err
	}
	defer out.Close()
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:noctx // run.Finish bounds it
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return spent{}, fmt.Errorf("start pt-archiver: %w", err)
	}
	if err := run.Finish(ctx, cmd); err != nil {
		return spent{}, err
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		return spent{}, fmt.Errorf("pt-archiver: exit %d, see %s.out", code, keep)
	}
	return used(cmd.ProcessState), nil
}

func used(p *os.ProcessState) spent {
	s := spent{CPUSeconds: (p.UserTime() + p.SystemTime()).Seconds()}
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		s.RSSMB = float64(u.Maxrss) / 1024
	}
	return s
}

func hirune(flags ...string) func(context.Context, *bed, string) (spent, error) {
	return func(ctx context.Context, b *bed, keep string) (spent, error) {
		p := b.Program
		if b.toolOutside {
			p.Wrap = nil
		}
		r, err := p.Run(ctx, p.With("apply", append([]string{"purge", "--yes", "--json"}, flags...)...)...)
		if err != nil {
			return spent{}, err
		}
		if err := errors.Join(os.WriteFile(keep+".out", r.Out, 0o644), os.WriteFile(keep+".err", r.Err, 0o644)); err != nil {
			return spent{}, err
		}
		if r.Exit != 0 {
			return spent{}, fmt.Errorf("hirune apply: exit %d, see %s.err", r.Exit, keep)
		}
		h, err := run.ReadHistory(r)
		return spent{CPUSeconds: r.CPU.Seconds(), RSSMB: float64(r.RSSKiB) / 1024, WorkS: h.Took("delete-in-chunks", "keep-and-swap", "drop-table").Seconds()}, err
	}
}
