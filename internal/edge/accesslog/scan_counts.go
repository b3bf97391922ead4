package accesslog

import "time"

// counts of a piece; only its worker touches them until it has ended.
type counts struct {
	lines, rejected, long, outside, bytes int64
	first, last                           int64 // unix seconds of the earliest and the latest request
	took, forwarded                       bool
	samples                               []string
}

func (c *counts) note(at int64) {
	if c.first == 0 || at < c.first {
		c.first = at
	}
	c.last = max(c.last, at)
}

func (c *counts) reject(line []byte) {
	c.lines++
	c.rejected++
	if len(c.samples) < samplesMost {
		c.samples = append(c.samples, Printable(line, sampleBytes))
	}
}

// result sums up what the pieces of a file held.
func (f *logFile) result(spans []span) ScannedLog {
	out := ScannedLog{Path: f.path}
	if len(f.layouts) > 0 {
		out.Format, out.ForwardedOnly = f.layouts[0].text, f.layouts[0].ForwardedOnly()
		out.Took = f.layouts[0].took
	}
	var sum counts
	for _, sp := range spans {
		for _, l := range sp.logs {
			for _, p := range l {
				if p.file == f {
					sum.add(&p.counts)
				}
			}
		}
	}
	out.Lines, out.Rejected, out.Long, out.Outside, out.Bytes = sum.lines, sum.rejected, sum.long, sum.outside, sum.bytes
	out.Took = out.Took || sum.took
	out.ForwardedOnly = out.ForwardedOnly || sum.forwarded
	out.Samples = sum.samples
	if sum.last > 0 {
		out.From, out.To = time.Unix(sum.first, 0), time.Unix(sum.last, 0)
	}
	return out
}

func (c *counts) add(o *counts) {
	c.lines += o.lines
	c.rejected += o.rejected
	c.long += o.long
	c.outside += o.outside
	c.bytes += o.bytes
	if o.last > 0 {
		c.note(o.first)
		c.note(o.last)
	}
	c.took = c.took || o.took
	c.forwarded = c.forwarded || o.forwarded
	c.samples = append(c.samples, o.samples[:min(len(o.samples), samplesMost-len(c.samples))]...)
}
