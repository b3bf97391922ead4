package report

// jaWorkers are the Japanese words about PHP's workers.
var jaWorkers = map[string]string{}
