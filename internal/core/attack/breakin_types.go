package attack

import "hirune/internal/core/diagnose"

// BreakIn is the answer to "did they get in?".
type BreakIn struct {
	Status   BreakInStatus
	Evidence []Evidence // strongest first
	Unseen   []Unseen   // what could not be looked at: "nothing found" holds only for the rest
}

// Evidence is one thing that speaks for a break-in.
type Evidence struct {
	ID     string        // one of evidenceRank; stable for ever
	Weight BreakInStatus // never NothingFound
	At     int64         // unix seconds; 0 unknown
	Client string        // an address; "" unknown
	User   string        // as the site has it; "" unknown
	Path   string        // as a visitor asks for it; "" where it is about no file
	Say    diagnose.Sentence
	Do     diagnose.Sentence // what the owner should do about it; the zero value: nothing more than the rest
}
