package diagnose

// demandClaims are the sentences about what is asked of the site.
func demandClaims() map[string][]string {
	return map[string][]string{}
}
