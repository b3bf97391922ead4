package main

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"hirune/internal/edge/protect"
)

// botsFor is how long the name system is asked about search engines in all: a
// server whose resolver is dead must still get its answers.
const botsFor = 15 * time.Second

// provable are the engines whose crawlers can be told by their names: that an
// address has none of these names proves nothing about another engine's.
var provable = []string{"google", "bing", "apple", "yandex", "baidu", "seznam"}

// searchBots verifies those who say to be search engines. The time runs from the
// first question; what is asked after it is unknown. It is for one goroutine.
func searchBots(ctx context.Context, now func() time.Time) func(bot string, a netip.Addr) int {
	bots := &protect.Bots{Now: now}
	var until time.Time
	return func(bot string, a netip.Addr) int {
		if !slices.Contains(provable, bot) {
			return 0
		}
		if until.IsZero() {
			until = now().Add(botsFor)
		}
		left := until.Sub(now())
		if left <= 0 {
			return 0
		}
		ctx, cancel := context.WithTimeout(ctx, left)
		defer cancel()
		return bots.Verified(ctx, bot, a)
	}
}
