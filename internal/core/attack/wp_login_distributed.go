package attack

// wpLoginDistributed is judged by wpLoginBruteForce together with the guesses
// of single addresses: which of the two a cluster is, its loudest members say.
var wpLoginDistributed = Detector{
	ID:     wpLoginDistributedID,
	Title:  "guesses passwords at the log-in form from many addresses, a few from each",
	Source: "attacks.md part 2: nobody looks for it; fail2ban #927",
	judge:  func(*court) {},
}

const wpLoginDistributedID = "wp-login-distributed"
