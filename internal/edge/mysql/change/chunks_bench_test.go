package change

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"hirune/internal/core/apply"
	"hirune/internal/core/remedy"
	"hirune/internal/edge/mysql/mysqltest"
)

// benchRows have 3 KB each, as those of an audit log with call stacks.
const benchRows = 60000

// BenchmarkPurge deletes five rows of six, with an archive, without, and by the
// bare statements without looking ahead. It tells rows a second.
func BenchmarkPurge(b *testing.B) {
	for _, f := range mysqltest.Flavours() {
		b.Run(f.Name, func(b *testing.B) {
			srv := mysqltest.StartFlavour(b, f, "--innodb-buffer-pool-size=256M")
			step := wideTable(b, srv)
			b.Run("bare ranges", func(b *testing.B) {
				db := srv.DB(b, "chunks")
				measure(b, srv, func() error {
					for from := step.FromKey; from <= step.ToKey; from += step.Chunk {
						if _, err := db.Exec(step.Range(from, from+step.Chunk)); err != nil {
							return err
						}
					}
					return nil
				})
			})
			for _, kept := range []bool{false, true} {
				b.Run(fmt.Sprintf("chunks archive %v", kept), func(b *testing.B) {
					measure(b, srv, func() error {
						s := step
						if kept {
							s.Archive = filepath.Join(b.TempDir(), "rows")
						}
						w := apply.NewWork(nil, func(any) error { return nil }, nil, nil, time.Now)
						return (&Chunks{Server: serverOf(srv.Socket), Spare: -1}).Do(context.Background(), s, w)
					})
				})
			}
		})
	}
}

func wideTable(b *testing.B, srv *mysqltest.Server) remedy.DeleteInChunks {
	b.Helper()
	srv.Exec(b, "CREATE DATABASE chunks", "CREATE TABLE chunks.n (n INT NOT NULL PRIMARY KEY)", `CREATE TABLE chunks.wide_full (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, username VARCHAR(60), ip VARCHAR(45),
level VARCHAR(25), event_type VARCHAR(25), details TEXT, stacktrace TEXT, created INT UNSIGNED, KEY username (username), KEY ip (ip), KEY level (level), KEY event_type (event_type))`)
	srv.Numbers(b, "chunks.n", benchRows)
	srv.Exec(b, `INSERT INTO chunks.wide_full SELECT n, CONCAT('user', n % 1000), CONCAT('10.0.', n % 256, '.', n % 251), 'warning', 'failed_login', CONCAT('{"n":', n, '}'),
REPEAT(CONCAT('#', n, ' /var/www/wp-includes/class-wp-hook.php(', n % 400, '): apply_filters '), 45), n FROM chunks.n ORDER BY n`)
	return remedy.DeleteInChunks{On: remedy.On{Schema: "chunks", Table: "wide"}, Key: "id", FromKey: 1, ToKey: benchRows, Isolation: "READ COMMITTED", Chunk: 1000, InnoDB: true,
		Doomed: remedy.Doomed{Column: "created", Literal: fmt.Sprint(benchRows * 5 / 6)}}
}

func measure(b *testing.B, srv *mysqltest.Server, run func() error) {
	b.Helper()
	b.ReportAllocs()
	var took time.Duration
	for b.Loop() {
		b.StopTimer()
		srv.Exec(b, "DROP TABLE IF EXISTS chunks.wide", "CREATE TABLE chunks.wide LIKE chunks.wide_full", "INSERT INTO chunks.wide SELECT * FROM chunks.wide_full ORDER BY id")
		b.StartTimer()
		began := time.Now()
		if err := run(); err != nil {
			b.Fatal(err)
		}
		took += time.Since(began)
	}
	b.ReportMetric(float64(b.N)*float64(benchRows)*5/6/took.Seconds(), "rows/s")
}
