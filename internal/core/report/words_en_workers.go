package report

// enWorkers are the English words about PHP's workers.
var enWorkers = map[string]string{}
