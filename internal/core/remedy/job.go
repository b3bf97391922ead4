package remedy

import (
	"fmt"
	"strings"
	"time"
)

// JobMark begins the file of every job of ours.
const JobMark = "# hirune wrote this file."

// Content is the whole file of the job: whose it is, how to remove it, and the
// line for cron.
func (s RetentionJob) Content() string {
	return fmt.Sprintf(`%s It keeps one table small: each day the rows
# that are older than %s are deleted, in small pieces.
# To remove it: hirune undo (hirune history has the number), or delete this file.
%s
`, JobMark, wholeDays(s.Keep), s.CronLine())
}

// OfJob reports whether the text is a file of ours.
func OfJob(text string) bool { return strings.HasPrefix(text, JobMark) }

func wholeDays(d time.Duration) string {
	if d >= 24*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}
