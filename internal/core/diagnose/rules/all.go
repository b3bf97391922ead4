// Package rules holds one file for each cause that hirune knows.
//
// A rule reads top to bottom as the argument it makes. It works from structure
// (what a statement filters by, which index a table has, who waits for whom),
// never from the name of a table or a plugin.
package rules

import "hirune/internal/core/diagnose"

// All returns the rules, in no order that matters.
func All() []diagnose.Rule {
	return []diagnose.Rule{
		AutoloadBloat(),
		ChangedJustBefore(),
		ConnectionsExhausted(),
		CPUQuota(),
		CrawlerTrap(),
		CreditExhausted(),
		CronStacking(),
		DDLBehindLongRead(),
		DiskFull(),
		HostJob(),
		IdleTransaction(),
		InodesExhausted(),
		LoginFloodByMany(),
		ManyTinyQueries(),
		NoisyNeighbour(),
		PHPFatal(),
		PHPPoolTooLarge(),
		PHPPoolTooSmall(),
		PurgeNeverFinishes(),
		PurgeWithoutIndex(),
		RequestFlood(),
		SearchFlood(),
		ServiceStopped(),
		SlowOutboundCall(),
		TableLocked(),
		UnindexedSelect(),
		VisitorRush(),
		WPLoginFlood(),
		XMLRPCLoginFlood(),
	}
}
