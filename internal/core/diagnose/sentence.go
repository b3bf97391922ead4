package diagnose

// Sentence is a claim as an id with parameters. The words live in the
// catalogues of package report; core never writes prose.
type Sentence struct {
	ID   string
	Args Args
}

// Args are the parameters of a sentence. A value is one of: string (hostile
// text), Count, Share01, Bytes, Ms, time.Duration, time.Time, Number.
type Args map[string]any

// Count is a number of things.
type Count int64

// Share01 is a share from 0 to 1, shown in per cent.
type Share01 float64

// Bytes is a size.
type Bytes int64

// Ms is a time in milliseconds.
type Ms float64

// Number is a plain number, shown with at most two decimals.
type Number float64

// Say makes a sentence of an id and pairs of names and values.
func Say(id string, pairs ...any) Sentence {
	s := Sentence{ID: id, Args: Args{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		s.Args[pairs[i].(string)] = pairs[i+1]
	}
	return s
}
