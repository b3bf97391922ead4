package collectors

// instance names one instance of a service.
type instance struct{ service, name string }

// spend adds up what each service instance used. Other collectors read the
// table more often than Processes does under a CPU cap: nothing of what was used
// in between may be lost.
func (t *Table) spend() {
	if t.spent == nil {
		t.spent, t.spentAt = map[instance]int64{}, t.at
	}
	for _, p := range t.order {
		if p.group != groupOther && t.overMs > 0 {
			t.spent[t.groups[p.group].key()] += p.usedMs
		}
	}
}

func (g group) key() instance { return instance{g.service, g.instance} }

// take returns what each service instance used since the last call, and over
// how many milliseconds.
func (t *Table) take() (map[instance]int64, int64) {
	spent, over := t.spent, t.at.Sub(t.spentAt).Milliseconds()
	t.spent, t.spentAt = map[instance]int64{}, t.at
	return spent, over
}
