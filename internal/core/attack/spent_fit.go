package attack

import (
	"maps"
	"math"
	"slices"
)

// prices is what one request of each class costs, with its standard error.
type prices struct {
	cost, off map[string]float64
	total     float64 // of all that was used
	least     float64 // that must have been used to be shared out
}

// fitRounds is how often each price is improved; they settle long before.
const fitRounds = 300

// pricesOf finds the prices that explain best what was used.
func pricesOf(s *spending, least float64, used func(*spentStepSum) float64) prices {
	p := prices{cost: map[string]float64{}, off: map[string]float64{}, least: least}
	var y []float64
	var x [][]float64
	classes := s.priced()
	for _, k := range slices.Sorted(maps.Keys(s.steps)) {
		step := s.steps[k]
		row := make([]float64, len(classes)+2)
		row[0] = 1 // what follows no requests
		for class, n := range step.n {
			if i := slices.Index(classes, class); i >= 0 {
				row[i+2] = n
			} else {
				row[1] += n // classes of which there are few
			}
		}
		v := used(step)
		x, y, p.total = append(x, row), append(y, v), p.total+v
	}
	cost, off := fit(x, y)
	for i, class := range classes {
		p.cost[class], p.off[class] = cost[i+2], off[i+2]
	}
	return p
}

func (s *spending) priced() []string {
	var out []string
	for class, n := range s.requests {
		if n >= spentRequests {
			out = append(out, class)
		}
	}
	slices.Sort(out)
	return out
}

// share is the part that n requests of a class took of all, with what they are
// known to have taken beside of all that is known so; -1 where it was too little
// to be shared out, or cannot be told from what others took.
func (p prices) share(class string, n, own, known float64) float64 {
	all := p.total + known
	cost, ok := p.cost[class]
	if !ok || all < p.least || !(n*p.off[class]/all <= spentError) {
		return -1
	}
	return min((n*cost+own)/all, 1)
}

// fit solves least squares with no price below zero, by coordinates, and says how
// far off each may be: its standard error, as if all steps were independent.
func fit(x [][]float64, y []float64) (cost, off []float64) {
	k := len(x[0])
	a, b := make([][]float64, k), make([]float64, k)
	for i := range a {
		a[i] = make([]float64, k)
	}
	for r, row := range x {
		for i, v := range row {
			b[i] += v * y[r]
			for j, w := range row {
				a[i][j] += v * w
			}
		}
	}
	cost = make([]float64, k)
	for range fitRounds {
		for i := range cost {
			if a[i][i] == 0 {
				continue
			}
			rest := b[i]
			for j, c := range cost {
				if j != i {
					rest -= a[i][j] * c
				}
			}
			cost[i] = max(rest/a[i][i], 0)
		}
	}
	var left float64
	for r, row := range x {
		e := y[r]
		for i, v := range row {
			e -= v * cost[i]
		}
		left += e * e
	}
	variance := left / float64(max(len(x)-k, 1))
	off = make([]float64, k)
	for i, v := range inverseDiagonal(a) {
		off[i] = math.Sqrt(variance * v)
	}
	return cost, off
}

// inverseDiagonal is the diagonal of the inverse of a symmetric matrix; infinite
// where a column depends on others. Empty columns are left out.
func inverseDiagonal(a [][]float64) []float64 {
	k := len(a)
	out := make([]float64, k)
	var used []int
	for i := range a {
		if a[i][i] > 0 {
			used = append(used, i)
		}
	}
	for _, i := range used {
		out[i] = 1 / max(unexplained(a, i, used), 0)
	}
	return out
}

// unexplained is what is left of a column's square once the others have explained
// what they can: the Schur complement, by elimination.
func unexplained(a [][]float64, of int, used []int) float64 {
	order := append(slices.DeleteFunc(slices.Clone(used), func(i int) bool { return i == of }), of)
	m := make([][]float64, len(order))
	for r, i := range order {
		m[r] = make([]float64, len(order))
		for c, j := range order {
			m[r][c] = a[i][j]
		}
	}
	for p := range len(m) - 1 {
		if m[p][p] <= 1e-9*a[order[p]][order[p]] {
			continue // it depends on those before, and explains nothing more
		}
		for r := p + 1; r < len(m); r++ {
			f := m[r][p] / m[p][p]
			for c := p; c < len(m); c++ {
				m[r][c] -= f * m[p][c]
			}
		}
	}
	last := m[len(m)-1][len(m)-1]
	if last <= 1e-9*a[of][of] {
		return 0
	}
	return last
}
