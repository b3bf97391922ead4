package accesslog

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"hirune/internal/core/attack"
)

// Sink takes requests. A hit and its slices are valid only during Add.
type Sink interface{ Add(*attack.Hit) }

// ScanIn says what to read, and how far.
type ScanIn struct {
	Logs    []ScanLog
	Stdin   io.Reader             // what the path "-" stands for
	Since   time.Time             // older requests are left out; zero: no bound
	Until   time.Time             // later ones too; zero: no bound
	Loc     *time.Location        // of times without a zone; nil: UTC
	Own     func(netip.Addr) bool // addresses of this host besides loopback; asked from several goroutines; nil: none
	Workers int                   // 0: one for each processor, at most 4
	NewSink func() Sink           // called once for each worker
	// Progress is told how many bytes of the files, as they are on disk, are
	// done; total is -1 while "-" is among them. Never called twice at a time;
	// nil: nobody asks.
	Progress func(done, total int64)
}

// ScanLog is one access log.
type ScanLog struct {
	Path    string   // "-": ScanIn.Stdin
	Format  string   // as Compile takes it; "": found out from the lines
	Formats []string // further ones that its lines may be written in
	Rotated bool     // read the files that it was rotated to as well
	Named   bool     // by the user: it may be a symbolic link wherever it lies
}

// ScanOut is what was read. Errors are no reason to throw the rest away.
type ScanOut struct {
	// Sinks hold what was read, to be merged in this order: each covers a span
	// of time that follows that of the one before it, but for a few minutes of
	// overlap where logs are out of order.
	Sinks  []Sink
	Logs   []ScannedLog // one for each file, the oldest of each log first
	Failed []error      // files that could not be read, in part or at all; with hints
	Cut    bool         // the context ended before all was read
}

// ScannedLog is what one file held.
type ScannedLog struct {
	Path     string
	Format   string // what most of its lines are in; "": unknown, it was not read
	Lines    int64  // but for empty ones
	Rejected int64  // of them, lines in no known format, or without a time that can be read
	Long     int64  // of them, lines of more than 64 KiB: their rest was not looked at
	Outside  int64  // of them, requests before Since or after Until
	Bytes    int64  // of text, unpacked
	From, To time.Time
	Took     bool // durations are logged
	// ForwardedOnly says that the log has no client but what a header said of
	// it, which anybody can write: such hits have no client, and nobody may be
	// blocked for what this log says.
	ForwardedOnly bool
	Samples       []string // of rejected lines, printable, at most samplesMost
}

const (
	workersMost  = 4
	samplesMost  = 3
	sampleBytes  = 160
	readBytes    = 256 << 10 // read at once, while few logs are read side by side
	readLeast    = 2 * lineMost
	buffersMost  = 8 << 20  // of all logs that one worker reads side by side
	parallelFrom = 16 << 20 // less text is not worth a second worker
)

// scan is one run of Scan.
type scan struct {
	in           ScanIn
	since, until int64 // unix seconds; 0 and the end of time: no bound
	files        []*logFile
	failed       []error
	mu           sync.Mutex // of done
	done, total  int64
}

// Scan reads logs into sinks, several parts of them at a time. Lines are handed
// to a sink in the order of time as far as the logs themselves keep it: logs
// that were written side by side are read side by side.
func Scan(ctx context.Context, in ScanIn) ScanOut {
	s := newScan(in)
	defer s.close()
	s.plan(ctx)
	spans := s.spans(cmp.Or(max(in.Workers, 0), min(runtime.GOMAXPROCS(0), workersMost)))
	out := ScanOut{Sinks: make([]Sink, len(spans))}
	errs := make([]error, len(spans))
	var wait sync.WaitGroup
	for i, sp := range spans {
		out.Sinks[i] = in.NewSink()
		wait.Go(func() { errs[i] = s.read(ctx, sp, out.Sinks[i]) })
	}
	wait.Wait()
	for _, f := range s.files {
		out.Logs = append(out.Logs, f.result(spans))
	}
	out.Failed = append(s.failed, errs...)
	out.Failed = nonNil(out.Failed)
	out.Cut = ctx.Err() != nil
	return out
}

func newScan(in ScanIn) *scan {
	if in.Loc == nil {
		in.Loc = time.UTC
	}
	s := &scan{in: in, until: latest + 1}
	if in.Since.Unix() > 0 {
		s.since = in.Since.Unix()
	}
	if in.Until.Unix() > 0 { // zero time, or the zero of unix time
		s.until = in.Until.Unix()
	}
	return s
}

func nonNil(errs []error) (out []error) {
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			out = append(out, err)
		}
	}
	return out
}

// progress takes note of bytes that were read from disk.
func (s *scan) progress(n int) {
	if s.in.Progress == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done += int64(n)
	s.in.Progress(s.done, s.total)
}

func (s *scan) close() {
	for _, f := range s.files {
		if f.f != nil {
			_ = f.f.Close()
		}
	}
}
