package diagnose

// coldClaims are the sentences about what the server kept by itself.
func coldClaims() map[string][]string {
	return map[string][]string{}
}
