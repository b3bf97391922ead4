package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"time"

	"hirune/internal/core/attack"
	"hirune/internal/edge/accesslog"
	"hirune/internal/edge/discover"
)

const (
	tailBytes  = 2 << 20          // of each log: some 10,000 requests
	tailLogs   = 8                // of one host
	tailFor    = 3 * time.Second  // in all
	recently   = 15 * time.Minute // requests that the present connections may have sent
	clientMost = 4096             // clients that are remembered
	// Fewer connections or clients than these say nothing about who stands between.
	strangeLeast = 5
	clientsLeast = 20
)

// tail is what the ends of the access logs say of who asks.
type tail struct {
	around  attack.Around
	clients map[netip.Addr]bool // of late
	since   int64
	// forwarded is a log that has what a header says in the client's place.
	forwarded string
}

// Add implements accesslog.Sink.
func (t *tail) Add(h *attack.Hit) {
	t.around.Add(h)
	if h.At >= t.since && h.Client.IsValid() && !h.Own && !h.Self && len(t.clients) < clientMost {
		t.clients[h.Client] = true
	}
}

// byLog says whether the logs tell of a proxy that no configuration names: they
// have few addresses that are no single client, or other clients than are connected.
func (w *blockade) byLog(ctx context.Context, visitors []netip.Addr) (yes bool, why string, proxies []netip.Addr, err error) {
	ctx, cancel := context.WithTimeout(ctx, tailFor)
	defer cancel()
	t := &tail{clients: map[netip.Addr]bool{}, since: w.a.now().Add(-recently).Unix()}
	n := 0
	for _, s := range w.doors() {
		for _, l := range s.AccessLogs {
			if n++; n <= tailLogs && !l.Gzip {
				readTail(ctx, l, t) // a log that cannot be read says nothing
			}
		}
	}
	if t.forwarded != "" {
		return true, proxiedForwarded + " " + t.forwarded, w.likely(visitors), nil
	}
	if p := t.around.Peers(); len(p.Proxies) > 0 {
		return true, fmt.Sprintf("%s %.0f%%: %s", proxiedByLog, 100*p.Share, p.Proxies[0]), p.Proxies, nil
	}
	if strange(visitors, t.clients) {
		return true, fmt.Sprintf("%s %d/%d", proxiedTranslated, len(visitors), len(t.clients)), visitors, nil
	}
	return false, "", nil, nil
}

// strange reports whether many clients of the log came by few connected addresses
// of which the log knows none: something writes another address into it.
func strange(visitors []netip.Addr, clients map[netip.Addr]bool) bool {
	if len(visitors) < strangeLeast || len(clients) < clientsLeast || slices.ContainsFunc(visitors, func(a netip.Addr) bool { return clients[a] }) {
		return false
	}
	each := slices.Clone(visitors)
	slices.SortFunc(each, netip.Addr.Compare)
	return len(slices.Compact(each))*10 <= len(clients)
}

// readTail reads the end of one log.
func readTail(ctx context.Context, l discover.AccessLog, t *tail) {
	f, err := os.Open(l.Path)
	if err != nil {
		return
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return
	}
	from := max(st.Size()-tailBytes, 0)
	got := accesslog.Scan(ctx, accesslog.ScanIn{
		Logs:  []accesslog.ScanLog{{Path: "-", Format: l.Format, Formats: l.Formats}},
		Stdin: io.NewSectionReader(f, from, st.Size()-from), Loc: time.Local, Own: ownAddresses(), Workers: 1,
		NewSink: func() accesslog.Sink { return t },
	})
	for _, log := range got.Logs {
		if log.ForwardedOnly && log.Lines > log.Rejected {
			t.forwarded = l.Path
		}
	}
}
