package accesslog

import "hirune/internal/core/attack"

// Faults learns how large the usual answer of xmlrpc.php is. The status is
// 200 whether a log-in failed or not, but the body of a failure is a fixed
// template, so under an attack nearly all answers have one size. The size
// itself differs with language, compression and log format.
type Faults struct {
	sizes map[int64]int64
	total int64
}

const (
	faultLeast = 20 // answers before a size may be called usual
	faultSizes = 64 // different sizes that are remembered
	faultHalve = 1 << 14
)

// Learn takes note of a request.
func (f *Faults) Learn(q *Request) {
	if !f.about(q) {
		return
	}
	if f.sizes == nil {
		f.sizes = map[int64]int64{}
	}
	f.total++
	f.sizes[q.Bytes]++
	if len(f.sizes) > faultSizes || f.total > faultHalve {
		f.halve()
	}
}

// halve forgets what is rare and lets a new usual size win in time.
func (f *Faults) halve() {
	f.total = 0
	for s, n := range f.sizes {
		if n /= 2; n == 0 {
			delete(f.sizes, s)
			continue
		}
		f.sizes[s] = n
		f.total += n
	}
}

// about limits the learning to posted calls that were answered.
func (f *Faults) about(q *Request) bool {
	return q.Class == attack.ClassXMLRPC && q.Status == 200 && string(q.Method) == "POST"
}

// Usual returns the size that most answers have, or false if there is none.
func (f *Faults) Usual() (int64, bool) {
	for s, n := range f.sizes {
		if n >= faultLeast && 2*n > f.total {
			return s, true
		}
	}
	return 0, false
}

// loginFault tells a refused log-in: WordPress answers it with the form again
// (200), a good one with a redirect. The size would not do, because the
// message repeats the user's name.
func loginFault(q *Request) bool {
	return q.Class == attack.ClassLogin && q.Status == 200 && string(q.Method) == "POST" && !hasAction(q.Target)
}

// hasAction tells the other forms of wp-login.php, such as a lost password.
func hasAction(target []byte) bool {
	for i := 0; i+7 <= len(target); i++ {
		if string(target[i:i+7]) == "action=" && i > 0 && (target[i-1] == '?' || target[i-1] == '&') {
			return string(target[i+7:]) != "login"
		}
	}
	return false
}
