package report

// enLocks are the English words about who waits for whom in the database.
var enLocks = map[string]string{}
