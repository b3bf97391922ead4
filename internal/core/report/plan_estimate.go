package report

import (
	"slices"
	"strings"
	"time"

	"hirune/internal/core/diagnose"
	"hirune/internal/core/remedy"
)

// estimate is what the step is expected to take; what is unknown is left out,
// but for the time: silence there would be read as "none".
func (p *printer) estimate(b *strings.Builder, e remedy.Estimate) {
	p.beside(b, "ui.takes", p.taking(e))
	if e.Rows > 0 {
		p.beside(b, "ui.changes", p.t("ui.rows", "rows", diagnose.Count(e.Rows)))
	}
	p.beside(b, "ui.locks", p.locks(e))
	p.beside(b, "ui.disk", p.disk(e))
	if e.Risk != "" {
		p.beside(b, "ui.risk", p.text("risk", string(e.Risk)))
	}
}

func (p *printer) locks(e remedy.Estimate) string {
	return p.sentences([]string{p.say(e.Locks), p.stalling(e)})
}

func (p *printer) disk(e remedy.Estimate) string {
	var parts []string
	if e.DiskBytes > 0 {
		parts = append(parts, p.t("ui.disk-needs", "x", diagnose.Bytes(e.DiskBytes)))
	}
	if e.FreesBytes > 0 {
		parts = append(parts, p.t("ui.disk-frees", "x", diagnose.Bytes(e.FreesBytes)))
	}
	return p.sentences(parts)
}

// together is the estimate of steps that are done one after the other. A step
// that only reads takes no time that anybody would notice.
func together(steps []remedy.Planned) remedy.Estimate {
	var sum remedy.Estimate
	for _, s := range steps {
		e := s.Estimate
		if e.Risk == remedy.RiskNone {
			continue
		}
		if e.Takes < 0 || sum.Takes < 0 {
			sum.Takes, sum.TakesCapped = -1, 0
		} else {
			sum.Takes += e.Takes
			sum.TakesCapped += max(e.TakesCapped, e.Takes)
		}
		sum.Stall = max(sum.Stall, e.Stall)
		sum.Irreversible = sum.Irreversible || e.Irreversible
		if grave(e.Risk) > grave(sum.Risk) {
			sum.Risk = e.Risk
		}
	}
	return sum
}

func grave(r remedy.Risk) int {
	return slices.Index([]remedy.Risk{"", remedy.RiskNone, remedy.RiskLow, remedy.RiskMedium, remedy.RiskHigh}, r)
}

// taking is how long something takes. What is unknown is said: silence would be
// read as "no time".
func (p *printer) taking(e remedy.Estimate) string {
	takes := p.words["ui.unknown"]
	switch {
	case e.Takes > 0:
		takes = p.t("ui.about-time", "d", rough(e.Takes))
	case e.Takes == 0:
		takes = p.words["ui.at-once"]
	}
	if e.TakesCapped > max(e.Takes, 0) {
		takes += p.words["ui.comma"] + p.t("ui.capped-time", "d", rough(e.TakesCapped))
	}
	return takes
}

func (p *printer) stalling(e remedy.Estimate) string {
	if e.Stall <= 0 {
		return ""
	}
	return p.t("ui.stall", "d", e.Stall)
}

// rough takes a duration down to what an estimate can bear.
func rough(d time.Duration) time.Duration {
	switch {
	case d <= time.Second:
		return time.Second
	case d < time.Minute:
		return d.Round(time.Second)
	case d < 2*time.Minute:
		return d.Round(5 * time.Second)
	case d < time.Hour:
		return d.Round(time.Minute)
	case d < 24*time.Hour:
		return d.Round(10 * time.Minute)
	}
	return d.Round(time.Hour)
}
