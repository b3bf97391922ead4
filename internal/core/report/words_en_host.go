package report

// enHost are the English words about the machine and its services.
var enHost = map[string]string{}
