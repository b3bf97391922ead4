package credit

import (
	"context"
	"errors"
	"time"
)

// Point is the account at one moment of the run.
type Point struct {
	At          float64 `json:"at"` // seconds from the start
	Credit      float64 `json:"credit"`
	Capped      bool    `json:"capped"`
	UsedCores   float64 `json:"used_cores"`   // since the last point
	ThrottledMs float64 `json:"throttled_ms"` // since the last point
}

const (
	beat  = 200 * time.Millisecond
	logAt = 5 // beats a point
)

// Play keeps the account of a plan against a group's use until ctx ends, sets the group's quota accordingly, and lifts it at
// the end. It returns one point a second.
func Play(ctx context.Context, g *Group, plan Plan, start time.Time) (points []Point, err error) {
	account := NewAccount(plan)
	if err := g.SetCores(account.Cores()); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.SetCores(float64(plan.VCPUs))) }()
	last, used, err := start, 0.0, error(nil)
	if used, err = g.Used(); err != nil {
		return nil, err
	}
	atLog, usedLog, throttledLog := start, used, g.ThrottledMs()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return points, nil
		case <-tick.C:
		}
		now := time.Now()
		sum, err := g.Used()
		if err != nil {
			return points, err
		}
		if account.Step(now.Sub(last), sum-used) {
			if err := g.SetCores(account.Cores()); err != nil {
				return points, err
			}
		}
		last, used = now, sum
		if n%logAt == 0 {
			throttled := g.ThrottledMs()
			points = append(points, Point{At: now.Sub(start).Seconds(), Credit: account.Credit, Capped: account.Capped,
				UsedCores: (sum - usedLog) / now.Sub(atLog).Seconds(), ThrottledMs: throttled - throttledLog})
			atLog, usedLog, throttledLog = now, sum, throttled
		}
	}
}
