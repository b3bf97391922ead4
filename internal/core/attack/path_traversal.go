package attack

// pathTraversal finds clients that try to climb out of the document root, or to read through PHP.
var pathTraversal = Detector{
	ID:     "path-traversal",
	Title:  "asks for files outside of the site",
	Source: "attacks.md part 2; CrowdSec http-path-traversal-probing takes 3",
	judge: func(c *court) {
		c.accuse(c.contentCharge("path-traversal", groupTraverse, Medium, traverseLines))
	},
}

// traverseLines is how many are no accident: a link that is badly made leads to
// one, again and again.
const traverseLines = 2
