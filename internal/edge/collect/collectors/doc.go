// Package collectors holds what the recorder reads, one file for each source:
// the host, its processes, cgroups and services, PHP-FPM's pools, the database,
// the web servers' logs, the error logs, the schedules, WordPress, a probe.
//
// Each type is a collect.Collector that reads through the edge of its system.
// Where a source lies below /proc or /sys, or in a configuration, the root is a
// field, so that a test reads a fixture tree. A collector keeps what it needs to
// turn counters into amounts, and says what it cannot see as evidence.ErrAbsent
// with a hint; it never stops the others.
package collectors
