package diagnose

// hostClaims are the sentences about the machine and its services.
func hostClaims() map[string][]string {
	return map[string][]string{
		// Causes.
		"disk-full":        {"mount", "holds", "path", "bytes"},
		"link-room-unseen": {"service"}, // disk-full, told by the logs alone
		"inodes-exhausted": {"mount", "holds", "path", "files"},
		"host-job":         {"process", "took", "share"},

		// service-stopped, by how it came about.
		"link-service-told":        {"service", "at"},
		"link-service-crashed":     {"service", "at"},
		"link-service-restarts":    {"service", "times", "during"},
		"link-service-never-ready": {"service", "at"},

		// Room on disks.
		"proof-room-fell":      {"mount", "before", "free", "size"},
		"proof-room-none":      {"mount", "free", "size"}, // as long as was looked
		"proof-inodes-fell":    {"mount", "before", "free", "all", "space"},
		"proof-inodes-none":    {"mount", "free", "all", "space"},
		"proof-write-fails":    {"service", "count", "message", "at"},
		"proof-took-room":      {"took", "path", "bytes", "grew"},
		"proof-took-files":     {"took", "path", "files", "grew"},
		"proof-writer":         {"process", "parent", "bytes"},
		"link-writes-fail":     {"count"},
		"missing-space":        {},
		"missing-room-moment":  {}, // looked at, there was room
		"missing-write-errors": {},
		"missing-what-grew":    {"mount"},

		// Services.
		"proof-out-of-memory":   {"service"}, // the kernel killed something then
		"proof-no-farewell":     {"service"}, // told to stop it would have said so
		"proof-service-changed": {"name", "at"},
		"missing-last-words":    {"service"},

		// Jobs of the host.
		"proof-job-share":    {"took", "process", "share", "quiet"},
		"proof-job-began":    {"process", "started", "processes"},
		"proof-job-schedule": {"spec", "job", "due", "started"},
		"proof-job-unit":     {"process", "unit"},
		"proof-job-cron":     {"process", "scheduler"},
		"proof-job-parent":   {"process", "parent"},
		"proof-demand-same":  {"quiet", "outage"},
		"link-job-takes":     {"process", "took", "share"},
		"cleared-host-job":   {"process", "share"},
		"missing-processes":  {},
		"missing-job-origin": {"process"},
	}
}
