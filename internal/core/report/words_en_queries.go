package report

// enQueries are the English words about what the database is asked.
var enQueries = map[string]string{}
