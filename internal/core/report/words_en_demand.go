package report

// enDemand are the English words about what is asked of the site.
var enDemand = map[string]string{}
