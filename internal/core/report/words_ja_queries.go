package report

// jaQueries are the Japanese words about what the database is asked.
var jaQueries = map[string]string{}
