// Package archtest holds the tree to its map: which package may import which,
// what core may never do, and what has to be added together.
//
// It has tests only. They parse the source files themselves, because a test
// that asked the go command would be served from the test cache after a change
// of the sources. A package that is not on the map is a failure: put it there,
// and say in docs/architecture.md what it is for.
package archtest
