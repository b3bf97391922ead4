package report

// enCold are the English words about what the server kept by itself.
var enCold = map[string]string{}
