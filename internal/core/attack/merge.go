package attack

// Merge adds what another tally holds; its hits came later, in the main. The
// other one is not to be used any more.
func (t *Tally) Merge(later *Tally) {
	o := later
	t.from, t.to = earlier(t.from, o.from), max(t.to, o.to)
	t.total.merge(o.total)
	t.timed, t.untimed = t.timed+o.timed, t.untimed+o.untimed
	t.outside, t.nameless = t.outside+o.outside, t.nameless+o.nameless
	if o.least >= 0 && (t.least < 0 || o.least < t.least) {
		t.least = o.least
	}
	t.line.merge(&o.line)
	t.minutes.merge(&o.minutes)
	t.units.merge(&o.units)
	t.agents.merge(&o.agents)
	t.actors.merge(&o.actors)
	t.mergeClients(&o.clients)
	t.patterns.merge(&o.patterns)
	t.traces.merge(&o.traces)
	t.paths.merge(&o.paths)
	t.names.merge(&o.names)
	for g := range t.groups {
		t.groups[g].merge(&o.groups[g])
	}
	t.tls += o.tls
	for i, n := range o.own {
		t.own[i] += n
	}
	for i, n := range o.kinds {
		t.kinds[i] += n
	}
}

// mergeClients joins visits over the seam: a log-in before it, wp-admin after it.
func (t *Tally) mergeClients(o *clients) {
	t.clients.top.merge(&o.top, func(i, j int) {
		c, after := &t.clients.of[i], &o.of[j]
		if c.posted != 0 && after.adminFirst >= c.posted && after.adminFirst-c.posted <= adminSoon {
			t.entered(c, after.adminFirst)
		}
		c.merge(after)
	}, func(i, j int) { t.clients.of[i] = o.of[j] })
}

func (s *Sums) merge(o Sums) {
	s.Requests, s.Dynamic, s.TookUs = s.Requests+o.Requests, s.Dynamic+o.Dynamic, s.TookUs+o.TookUs
}

func (s *groupSum) merge(o *groupSum) {
	if o.attempts == 0 {
		return
	}
	if s.attempts == 0 {
		*s = *o
		return
	}
	s.attempts, s.tookUs = s.attempts+o.attempts, s.tookUs+o.tookUs
	s.units.merge(&o.units)
	s.answers.merge(o.answers)
	s.from, s.to = earlier(s.from, o.from), max(s.to, o.to)
	s.minutes.merge(&o.minutes)
	s.ms.merge(&o.ms)
}
