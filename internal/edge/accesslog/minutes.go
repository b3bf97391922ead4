package accesslog

import (
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/core/evidence"
)

// minutesMost bounds the memory of Minutes: two weeks.
const minutesMost = 14 * 24 * 60

// Minutes counts the requests of a log's past by the minute and class, so that
// it shows when visitors suffered: some 7 MB for two weeks of a busy site. The
// zero value is ready.
type Minutes struct{ at map[int64]*minute }

type minute [classes]*cell

// cell is one class in one minute.
type cell struct {
	n, posts, s2, s3, s4, s5, self, fault uint32
	bytes, tookUs, maxUs                  int64 // durations are -1 where the log has none
}

// Add counts a request that the log stamps with the Unix second.
func (m *Minutes) Add(unix int64, q *Request) {
	if m.at == nil {
		m.at = map[int64]*minute{}
	}
	k := unix / 60
	one := m.at[k]
	if one == nil {
		if len(m.at) >= minutesMost {
			return
		}
		one = &minute{}
		m.at[k] = one
	}
	c := one[q.Class]
	if c == nil {
		c = &cell{}
		one[q.Class] = c
	}
	c.add(q)
}

func (c *cell) add(q *Request) {
	c.n++
	c.bytes += q.Bytes
	if string(q.Method) == "POST" {
		c.posts++
	}
	if q.Self {
		c.self++
	}
	if loginFault(q) {
		c.fault++
	}
	for i, n := range []*uint32{&c.s2, &c.s3, &c.s4, &c.s5} {
		if q.Status/100 == i+2 {
			*n++
		}
	}
	if q.TookUs < 0 || c.tookUs < 0 {
		c.tookUs, c.maxUs = -1, -1
		return
	}
	c.tookUs, c.maxUs = c.tookUs+q.TookUs, max(c.maxUs, q.TookUs)
}

// Each hands out the minutes in no order: the requests that cost PHP, the error
// answers among all, and the mean time for a page in ms, -1 where that is not logged.
func (m *Minutes) Each(each func(at time.Time, requests, errors int64, pageMs float64)) {
	for k, one := range m.at {
		var n, e5 int64
		page := -1.0
		for class, c := range one {
			if c == nil {
				continue
			}
			if (evidence.Traffic{Class: classNames[class]}).Dynamic() {
				n += int64(c.n)
			}
			e5 += int64(c.s5)
			if attack.Class(class) == attack.ClassPage && c.tookUs >= 0 {
				page = float64(c.tookUs) / 1000 / float64(c.n)
			}
		}
		each(time.Unix(k*60, 0).UTC(), n, e5, page)
	}
}

// Traffic emits the facts of the minutes that begin from from to to, each at its end.
func (m *Minutes) Traffic(site string, from, to time.Time, emit func(time.Time, evidence.Traffic)) {
	for k, one := range m.at {
		at := time.Unix(k*60, 0).UTC()
		if at.Before(from) || at.After(to) {
			continue
		}
		for _, class := range byName {
			c := one[class]
			if c == nil {
				continue
			}
			f := evidence.Traffic{
				Site: site, OverMs: time.Minute.Milliseconds(), Class: classNames[class], Requests: int64(c.n), Posts: int64(c.posts),
				S2xx: int64(c.s2), S3xx: int64(c.s3), S4xx: int64(c.s4), S5xx: int64(c.s5), TookMs: -1, MaxMs: -1,
				Bytes: c.bytes, Self: int64(c.self), Fault: int64(c.fault),
			}
			if c.tookUs >= 0 {
				f.TookMs, f.MaxMs = c.tookUs/1000, c.maxUs/1000
			}
			emit(at.Add(time.Minute), f)
		}
	}
}
