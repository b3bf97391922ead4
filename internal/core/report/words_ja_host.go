package report

// jaHost are the Japanese words about the machine and its services.
var jaHost = map[string]string{}
