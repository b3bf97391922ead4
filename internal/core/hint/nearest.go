package hint

import "strings"

const (
	// farthest is how many letters may differ between what was typed and what
	// is offered: more would be a guess.
	farthest = 2
	// prefixLeast is how many letters of a word must be typed before the word
	// is offered for its beginning.
	prefixLeast = 3
)

// Nearest returns the word that is closest to what was typed, for a "did you
// mean": the first in the order of the alphabet where several are, "" where
// none is near. Words are in lower case, what was typed may be in any.
func Nearest(typed string, words []string) string {
	typed = strings.ToLower(typed)
	best, at := "", farthest+1
	for _, w := range words {
		d := distance(typed, w)
		if len(typed) >= prefixLeast && strings.HasPrefix(w, typed) {
			d = min(d, 1)
		}
		if d < at || d == at && best != "" && w < best {
			best, at = w, d
		}
	}
	return best
}

// distance is the number of letters to add, drop, change or swap with their
// neighbour to get from a to b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	d := make([][]int, len(s)+1)
	for i := range d {
		d[i] = make([]int, len(t)+1)
		d[i][0] = i
	}
	for j := range t {
		d[0][j+1] = j + 1
	}
	for i := range s {
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			d[i+1][j+1] = min(d[i][j+1]+1, d[i+1][j]+1, d[i][j]+cost)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				d[i+1][j+1] = min(d[i+1][j+1], d[i-1][j-1]+1)
			}
		}
	}
	return d[len(s)][len(t)]
}
