package diagnose

// AttackClass is the class of requests that an attack is made of; "" where it is
// made of several, or is not known.
func AttackClass(id string) string { return classOfAttack(id) }

// Writes returns the class of requests that writes a table of which the growth is
// known; "" if the logs do not tell.
func (c *Case) Writes(schema, table string) string {
	return c.GrowthClass(Finding{About: Subject{Schema: schema, Table: table}})
}
