package discover

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

// parseOctal returns 0 for what is not a number.
func parseOctal(s string) int {
	n, _ := strconv.ParseUint(s, 8, 32)
	return int(n)
}

// nameApart makes the names of instances unique: those that two share, such as
// one port on two addresses, get the file that they differ in.
func nameApart(f *Found) {
	apart(len(f.Databases), func(i int) (*string, string) {
		d := &f.Databases[i]
		return &d.Instance, firstOf(d.Config, d.DataDir)
	})
	apart(len(f.WebServers), func(i int) (*string, string) {
		w := &f.WebServers[i]
		return &w.Instance, w.Config
	})
}

func apart(n int, at func(int) (name *string, more string)) {
	count := map[string]int{}
	for i := range n {
		name, _ := at(i)
		count[*name]++
	}
	for i := range n {
		name, more := at(i)
		if count[*name] > 1 {
			*name += ":" + more
		}
	}
}
