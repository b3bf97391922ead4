package schedule

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"hirune/internal/core/remedy"
)

// Timer is the job as a timer of systemd, for a host without cron: two files and
// a command, as the owner has to write them.
func Timer(job remedy.RetentionJob) string {
	name := filepath.Base(job.Path)
	return fmt.Sprintf(`/etc/systemd/system/%[1]s.service:
  [Service]
  Type=oneshot
  ExecStart=%[2]s
/etc/systemd/system/%[1]s.timer:
  [Timer]
  OnCalendar=*-*-* %02[3]d:%02[4]d:00
  [Install]
  WantedBy=timers.target
then: systemctl daemon-reload && systemctl enable --now %[1]s.timer`, name, execLine(job), job.Hour, job.Minute)
}

// execLine is the command as systemd takes it: words in double quotes, with its
// own signs doubled.
func execLine(job remedy.RetentionJob) string {
	words := []string{job.Binary, "keep", "--yes", "--schema", job.Schema, "--table", job.Table, "--column", job.Column, "--for", fmt.Sprintf("%dh", int64(job.Keep/time.Hour))}
	for i, w := range words {
		if strings.Trim(w, jobRunes+"/.") != "" {
			w = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`).Replace(w) + `"`
		}
		words[i] = w
	}
	return strings.Join(words, " ")
}
