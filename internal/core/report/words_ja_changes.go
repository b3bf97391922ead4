package report

// jaChanges are the Japanese words about what was changed.
var jaChanges = map[string]string{}
