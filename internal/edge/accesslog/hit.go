package accesslog

import "hirune/internal/core/attack"

// Hit writes the request as package attack takes it to h. at is when it was
// logged, in unix seconds. The slices of h are the request's.
func (q *Request) Hit(at int64, h *attack.Hit) {
	h.At, h.Client, h.Class, h.Status, h.Bytes, h.TookUs = at, q.Addr, q.Class, q.Status, q.Bytes, q.TookUs
	h.Path, h.Query, h.Target, h.Agent, h.Referer = q.Path, q.Query, q.Target, q.Agent, q.Referer
	h.Self, h.Own = q.Self, q.OwnProbe
	switch string(q.Method) {
	case "GET":
		h.Method = attack.Get
	case "POST":
		h.Method = attack.Post
	case "HEAD":
		h.Method = attack.Head
	default:
		h.Method = attack.OtherMethod
	}
}
