package diagnose

// hostClaims are the sentences about the machine and its services.
func hostClaims() map[string][]string {
	return map[string][]string{}
}
