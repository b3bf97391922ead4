// Package credit plays a small cloud instance: a control group caps the CPU of everything in it as the burst credit of a plan
// would. Credit is earned at the baseline, spent by use, and at nothing the whole machine gets the baseline only.
package credit

import "time"

// Plan is a burstable instance. Credit is counted in core-seconds: one is a core used fully for a second.
type Plan struct {
	VCPUs    int     `toml:"vcpus"`
	Baseline float64 `toml:"baseline"` // share of each vCPU that is earned; 0.1 is 10 %
	Credit   float64 `toml:"credit"`   // at the start
	Most     float64 `toml:"most"`     // what the account holds; Credit if 0
	Memory   string  `toml:"memory"`   // that the whole machine has, as 700M; empty: no limit
}

// Base is what the machine may use for ever, in cores.
func (p Plan) Base() float64 { return float64(p.VCPUs) * p.Baseline }

// liftAt is the credit at which a cap is lifted, in core-seconds: lifting at the first grain would make the quota flap.
const liftAt = 0.5

// Account is a plan's credit as it changes. It is plain arithmetic: time and use are given to it.
type Account struct {
	plan   Plan
	Credit float64
	Capped bool
}

// NewAccount opens an account with the plan's first credit.
func NewAccount(p Plan) *Account {
	p.Most = max(p.Most, p.Credit)
	return &Account{plan: p, Credit: p.Credit, Capped: p.Credit <= 0}
}

// Step earns for dt and spends used core-seconds; it tells whether the cap changed.
func (a *Account) Step(dt time.Duration, used float64) bool {
	a.Credit = min(a.plan.Most, max(0, a.Credit+a.plan.Base()*dt.Seconds()-used))
	was := a.Capped
	switch {
	case a.Credit <= 0:
		a.Capped = true
	case a.Credit >= min(liftAt, a.plan.Most):
		a.Capped = false
	}
	return a.Capped != was
}

// Cores is the quota of the moment.
func (a *Account) Cores() float64 {
	if a.Capped {
		return a.plan.Base()
	}
	return float64(a.plan.VCPUs)
}
