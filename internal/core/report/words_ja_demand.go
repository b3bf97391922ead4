package report

// jaDemand are the Japanese words about what is asked of the site.
var jaDemand = map[string]string{}
