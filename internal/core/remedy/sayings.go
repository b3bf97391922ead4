package remedy

import "maps"

// Sayings is the closed set of sentences that a plan can hold, each with the
// names of its parameters. The catalogues of package report have words for
// every one of them, in every language; a test holds them together.
func Sayings() map[string][]string {
	all := map[string][]string{}
	for _, part := range []map[string][]string{purgeSayings, indexSayings, killSayings, webSayings, smallSayings, adviceSayings, blockSayings, banWebSayings} {
		maps.Copy(all, part)
	}
	return all
}
