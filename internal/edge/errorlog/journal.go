package errorlog

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"hirune/internal/core/evidence"
	"hirune/internal/core/hint"
)

// Journal asks systemd's journal for what services logged nowhere else, such
// as MariaDB on Debian. Each call starts a journalctl: ask once a minute.
type Journal struct {
	Command []string // "journalctl", or what stands for it in a test
	Names   []string // of the processes that are asked for, e.g. "mariadbd"
	Match   []string // and what else is asked for, e.g. "_PID=1": systemd itself
	All     bool     // all of Match must fit, but one of a field is enough; else any
	// Since is how far back the first call goes, where more of the past is wanted.
	Since  time.Time
	cursor string
}

// JournalLine is one line of the journal.
type JournalLine struct {
	At      time.Time
	Process string
	Message []byte
}

const (
	journalFirst = 2000    // lines of the past at the first call
	journalSince = 8000    // and where more of the past is wanted, some 4 MB
	journalBytes = 4 << 20 // of journalctl's answer
)

// Read hands out the lines since the last call, at the first the latest 2,000, or
// of the latest 8,000 those since Since.
// The error wraps evidence.ErrAbsent where there is no journal.
func (j *Journal) Read(ctx context.Context, each func(JournalLine)) error {
	args := append([]string{}, j.Command[1:]...)
	args = append(args, "--no-pager", "-q", "-o", "json", "--output-fields=MESSAGE,_COMM")
	if j.cursor == "" && !j.Since.IsZero() {
		args = append(args, "-n", strconv.Itoa(journalSince), "--since=@"+strconv.FormatInt(j.Since.Unix(), 10))
	} else if j.cursor == "" {
		args = append(args, "-n", strconv.Itoa(journalFirst))
	} else {
		args = append(args, "--after-cursor="+j.cursor)
	}
	match := slices.Clone(j.Match)
	for _, n := range j.Names {
		match = append(match, "_COMM="+n)
	}
	for i, m := range match {
		if i > 0 && !j.All {
			args = append(args, "+")
		}
		args = append(args, m)
	}
	cmd := exec.CommandContext(ctx, j.Command[0], args...)
	cmd.WaitDelay = time.Second
	out := &bounded{most: journalBytes}
	cmd.Stdout = out
	err := cmd.Run()
	j.lines(out.Bytes(), each)
	if err != nil {
		return hint.Wrap(fmt.Errorf("ask the journal: %w: %w", evidence.ErrAbsent, err), "journal-unreadable",
			"run hirune as root or add its user to the group systemd-journal, or let the service write its errors to a file")
	}
	return nil
}

func (j *Journal) lines(b []byte, each func(JournalLine)) {
	s := bufio.NewScanner(bytes.NewReader(b))
	s.Buffer(nil, journalBytes)
	for s.Scan() {
		var r struct {
			Message json.RawMessage `json:"MESSAGE"`
			Comm    string          `json:"_COMM"`
			Micro   string          `json:"__REALTIME_TIMESTAMP"`
			Cursor  string          `json:"__CURSOR"`
		}
		if json.Unmarshal(s.Bytes(), &r) != nil {
			continue
		}
		if r.Cursor != "" {
			j.cursor = r.Cursor
		}
		us, err := strconv.ParseInt(r.Micro, 10, 64)
		if m := journalText(r.Message); err == nil && len(m) > 0 {
			each(JournalLine{At: time.UnixMicro(us), Process: r.Comm, Message: m})
		}
	}
}

// journalText takes a message as a string, or as the list of bytes by which
// the journal writes what is not UTF-8.
func journalText(raw json.RawMessage) []byte {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return []byte(s)
	}
	var n []int
	if json.Unmarshal(raw, &n) != nil {
		return nil
	}
	out := make([]byte, len(n))
	for i, c := range n {
		out[i] = byte(c)
	}
	return out
}

// bounded keeps the first most bytes that are written to it.
type bounded struct {
	bytes.Buffer
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.most - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(len(p), room)])
	}
	return len(p), nil
}
