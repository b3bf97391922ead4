package attack

// Detector finds one kind of attack in what a tally holds.
type Detector struct {
	ID     string // kebab-case, stable for ever; the name of its file
	Title  string // in a few words
	Source string // where the knowledge is from
	judge  func(*court)
}

// Detectors are all of them, in the order in which they judge: an attempt
// belongs to the first that claims it.
func Detectors() []Detector {
	return []Detector{
		phpInUploads, sensitiveFiles, sqlInjection, crossSiteScripting, pathTraversal, webshellProbing, pluginProbing, userEnumeration,
		xmlrpcMulticall, pingbackReflector, xmlrpcBruteForce, xmlrpcDistributed, wpLoginBruteForce, wpLoginDistributed,
		commentSpam, pingbackFlood, openProxy, searchFlood, cacheBustFlood, crawlerTrap, crawlerLoad, fakeSearchBot,
	}
}
