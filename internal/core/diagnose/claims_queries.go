package diagnose

// queriesClaims are the sentences about what the database is asked.
func queriesClaims() map[string][]string {
	return map[string][]string{}
}
