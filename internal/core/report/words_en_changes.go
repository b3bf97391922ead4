package report

// enChanges are the English words about what was changed.
var enChanges = map[string]string{}
