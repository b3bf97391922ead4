package attack

// xmlrpcDistributed is judged by xmlrpcBruteForce together with the guesses of
// single addresses: which of the two a cluster is, its loudest members say.
var xmlrpcDistributed = Detector{
	ID:     xmlrpcDistributedID,
	Title:  "guesses passwords through xmlrpc.php from many addresses, a few from each",
	Source: "attacks.md part 2: nobody looks for it; fail2ban #927",
	judge:  func(*court) {},
}

const xmlrpcDistributedID = "xmlrpc-distributed"
