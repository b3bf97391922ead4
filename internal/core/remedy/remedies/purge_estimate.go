package remedies

import "time"

// Costs on a small server, measured on MariaDB 10.11 and 11.8 with rows of 3.3 KB
// (ranges of 1,000 keys: 22 µs of CPU a row; the copy of a survivor 27 µs; to read
// past a row 4 µs; what InnoDB does after the commit 16 µs) and spread over a part
// for each row and a part for its bytes. They are a first guess: hirune measures
// while it works and says the rest from that.
const (
	deleteRow, deleteByte = 6 * time.Microsecond, 5 * time.Nanosecond
	copyRow, copyByte     = 10 * time.Microsecond, 5 * time.Nanosecond
	scanRow               = 4 * time.Microsecond
	cleanRow              = 16 * time.Microsecond
	// mysqlSlower is how much longer MySQL 9.7 took for the same deletion, CPU-bound,
	// and mysqlCopySlower for the same copy.
	mysqlSlower     = 4.0
	mysqlCopySlower = 1.5
	// archiveSlower is what reading and packing the deleted rows adds.
	archiveSlower = 1.5
	// pauses is how much longer it takes because hirune waits for visitors in between.
	pauses = 2.0
	// cappedShare is the part of a core that is left for the work when the CPU is
	// capped at a fifth of a core and visitors are to be served.
	cappedShare = 0.08
	// dropPerGB and indexPerGB are measured: 1.5 s to drop 1.3 GB, 10 s to index 6.6 GB.
	dropPerGB  = 1200 * time.Millisecond
	indexPerGB = 1700 * time.Millisecond
)

// times is how long something takes with CPU to spare and under a cap.
type times struct{ free, capped time.Duration }

// paced turns the work of a processor into time.
func paced(cpu float64) times {
	return times{round(time.Duration(cpu * pauses)), round(time.Duration(cpu / cappedShare))}
}

// round keeps what an estimate knows: whole seconds, at least one.
func round(d time.Duration) time.Duration { return max(d.Round(time.Second), time.Second) }

func (s size) perRow(row, bytes time.Duration) float64 {
	return float64(row) + float64(bytes)*float64(s.rowBytes)
}

// chunks is the time to delete in ranges.
func (s size) chunks(mariaDB, archive bool) times {
	cpu := float64(s.atMost()) * s.perRow(deleteRow, deleteByte)
	if archive {
		cpu *= archiveSlower
	}
	if !s.ordered { // the whole table is read
		cpu += float64(s.rows) * float64(scanRow)
	}
	if !mariaDB {
		cpu *= mysqlSlower
	}
	return paced(cpu)
}

// swap is the time to copy the survivors.
func (s size) swap(mariaDB bool) times {
	kept := s.rows
	if s.doomed >= 0 {
		kept = s.kept()
	}
	cpu := float64(kept)*s.perRow(copyRow, copyByte) + float64(s.rows)*float64(scanRow)
	if !mariaDB {
		cpu *= mysqlCopySlower
	}
	return paced(cpu)
}

// aftermath is how long the database goes on cleaning up by itself.
func (s size) aftermath(mariaDB bool) time.Duration {
	cpu := float64(s.atMost()) * float64(cleanRow)
	if !mariaDB {
		cpu *= 1.5
	}
	return round(time.Duration(cpu))
}

func perGB(bytes int64, d time.Duration) time.Duration {
	return time.Duration(float64(d) * float64(max(bytes, 0)) / (1 << 30))
}
