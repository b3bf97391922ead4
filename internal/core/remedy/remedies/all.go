// Package remedies holds one file per way to help.
package remedies

import "hirune/internal/core/remedy"

// All are the remedies, in the order in which they should be done.
func All() []remedy.Remedy {
	return []remedy.Remedy{
		KillQuery(),
		EndSession(),
		Purge(),
		AddIndex(),
		CloseXMLRPC(),
		RateLimit(),
		KeepItSmall(),
	}
}
