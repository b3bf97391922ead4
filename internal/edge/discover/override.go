package discover

import (
	"slices"

	"hirune/internal/core/evidence"
)

// apply puts the override over what was found: entries that are found are
// changed, others are added, ignored ones are left out.
func (c Config) apply(f *Found) {
	for _, d := range c.Databases {
		c.database(f, d)
	}
	for _, l := range c.Logs {
		c.log(f, l)
	}
	for _, p := range c.Pools {
		c.pool(f, p)
	}
	c.ignore(f)
}

func (c Config) database(f *Found, d DatabaseConfig) {
	i := slices.IndexFunc(f.Databases, func(o Database) bool {
		return d.Socket != "" && o.Socket == d.Socket || d.Address != "" && o.Address == d.Address
	})
	if i < 0 {
		i = len(f.Databases)
		f.Databases = append(f.Databases, Database{Instance: "database:" + firstOf(d.Address, d.Socket), Socket: d.Socket, Address: d.Address})
	}
	f.Databases[i].User, f.Databases[i].PasswordFile = d.User, d.PasswordFile
}

// log sets a log's format, or adds the log to a web server of its own kind.
func (c Config) log(f *Found, l LogConfig) {
	for i := range f.WebServers {
		for j, o := range f.WebServers[i].AccessLogs {
			if o.Path == l.Path {
				entry := &f.WebServers[i].AccessLogs[j]
				entry.Site = firstOf(l.Site, o.Site)
				if l.Format != "" {
					entry.Format, entry.Formats = l.Format, nil
				}
				return
			}
		}
	}
	if len(f.WebServers) == 0 {
		f.WebServers = append(f.WebServers, WebServer{Instance: "configured", Service: evidence.ServiceOther, MaxWorkers: -1})
	}
	f.WebServers[0].AccessLogs = append(f.WebServers[0].AccessLogs, AccessLog{Path: l.Path, Format: l.Format, Site: l.Site})
}

func (c Config) pool(f *Found, p PoolConfig) {
	i := slices.IndexFunc(f.Pools, func(o Pool) bool { return o.Listen == p.Listen })
	if i < 0 {
		i = len(f.Pools)
		f.Pools = append(f.Pools, Pool{Instance: "php-fpm", Name: firstOf(p.Name, "configured"), Listen: p.Listen, MaxChildren: -1})
	}
	o := &f.Pools[i]
	o.StatusPath, o.StatusListen = firstOf(p.StatusPath, o.StatusPath), firstOf(p.StatusListen, o.StatusListen)
	o.MaxChildren = orDefault(p.MaxChildren, o.MaxChildren)
}

func (c Config) ignore(f *Found) {
	ig := c.Ignore
	f.Databases = slices.DeleteFunc(f.Databases, func(d Database) bool {
		return slices.Contains(ig.Databases, d.Instance) || slices.Contains(ig.Databases, d.Socket) || slices.Contains(ig.Databases, d.Address)
	})
	f.WebServers = slices.DeleteFunc(f.WebServers, func(w WebServer) bool { return slices.Contains(ig.Web, w.Instance) })
	for i := range f.WebServers {
		w := &f.WebServers[i]
		w.AccessLogs = slices.DeleteFunc(w.AccessLogs, func(l AccessLog) bool { return slices.Contains(ig.Logs, l.Path) })
	}
	f.Pools = slices.DeleteFunc(f.Pools, func(p Pool) bool {
		return slices.Contains(ig.Pools, p.Name) || slices.Contains(ig.Pools, p.Listen)
	})
}
