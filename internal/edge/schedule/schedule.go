// Package schedule installs and removes the jobs of hirune in the host's own
// schedule.
package schedule
