package report

// jaCold are the Japanese words about what the server kept by itself.
var jaCold = map[string]string{}
