package weblog

import (
	"strconv"
	"time"
)

// request is one line to be.
type request struct {
	from    *client
	method  string
	target  string
	status  int
	bytes   int
	referer string
	tookUs  int64
	raw     string // what came instead of a request
}

// client is an address with an agent.
type client struct {
	addr  string
	agent string
	v6    bool
}

// send writes a line and books it to the part of the truth that it belongs to.
func (g *generator) send(p *Part, r request) {
	began := g.now - r.tookUs
	b := g.line[:0]
	if g.opt.Format == "vhost_combined" {
		b = append(b, host+":443 "...)
		r.bytes += 320 // %O counts the headers
	}
	b = append(b, r.from.addr...)
	b = append(b, " - - ["...)
	b = g.stamp.append(b, began)
	b = append(b, `] "`...)
	if r.raw != "" {
		b = append(b, r.raw...)
	} else {
		b = append(b, r.method...)
		b = append(b, ' ')
		b = append(b, r.target...)
		b = append(b, " HTTP/1.1"...)
	}
	b = append(b, `" `...)
	b = strconv.AppendInt(b, int64(r.status), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(r.bytes), 10)
	b = append(b, ` "`...)
	if r.referer == "" {
		b = append(b, '-')
	}
	b = append(b, r.referer...)
	b = append(b, `" "`...)
	b = append(b, r.from.agent...)
	b = append(b, '"')
	switch g.opt.Format {
	case "timed":
		b = strconv.AppendInt(append(b, ' '), r.tookUs, 10)
	case "nginx-timed":
		b = strconv.AppendFloat(append(b, ' '), float64(r.tookUs)/1e6, 'f', 3, 64)
	}
	g.line = append(b, '\n')
	if _, err := g.w.Write(g.line); err != nil {
		g.err = err
	}
	g.truth.book(p, &r, began, len(g.line))
}

// stamper writes times; those of one second are the same.
type stamper struct {
	from time.Time
	sec  int64
	text []byte
}

func (s *stamper) append(b []byte, us int64) []byte {
	sec := us / 1e6
	if sec != s.sec || s.text == nil {
		s.sec = sec
		s.text = s.from.Add(time.Duration(sec)*time.Second).AppendFormat(s.text[:0], "02/Jan/2006:15:04:05 -0700")
	}
	return append(b, s.text...)
}
