package diagnose

// changesClaims are the sentences about what was changed.
func changesClaims() map[string][]string {
	return map[string][]string{}
}
