package diagnose

// workersClaims are the sentences about PHP's workers.
func workersClaims() map[string][]string {
	return map[string][]string{}
}
