package report

// jaLocks are the Japanese words about who waits for whom in the database.
var jaLocks = map[string]string{}
