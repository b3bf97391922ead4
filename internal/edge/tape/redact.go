package tape

import (
	"reflect"
	"sort"
	"strings"

	"hirune/internal/core/evidence"
)

// treatment is what is done with a text of a fact.
type treatment int

// The treatments. A field without one is treated as asText, the strictest
// that keeps a sentence readable.
const (
	asText    treatment = iota // words of a program or an error message
	asIs                       // names of the diagnosis and of software
	asDigest                   // SQL without literals
	asUser                     // of the database or of the system
	asSchema                   // name of a database
	asSite                     // host name, or path of a log
	asAddress                  // of a client
	asRemote                   // address and port of another machine
	asAgent                    // user agent
	asURLPath                  // path of a URL
	asPattern                  // of addresses, as evidence.PathUse has it
	asURL                      //
	asPath                     // in the file system
	asPool                     // of PHP workers: often named after a user
	asOrigin                   // of a schedule
	asCommand                  // of a schedule
	asThing                    // name of software, or a path in the file system
)

// treatments says for each text of each fact what an export does with it. The
// key is kind and field.
var treatments = map[string]treatment{
	"unseen.Source": asIs, "unseen.Code": asIs, "unseen.What": asText, "unseen.Detail": asText, "unseen.Hint": asText,
	"self.Version": asIs, "cgroup.Path": asPath, "filesystem.Mount": asPath, "filesystem.Holds": asIs, "filesystem.Takes.What": asIs, "filesystem.Takes.Path": asThing,
	"service-use.Service": asIs, "service-use.Instance": asText,
	"process.Name": asIs, "process.State": asIs, "process.Parent": asIs, "process.Line": asIs, "process.Unit": asIs,
	"service.Service": asIs, "service.Instance": asText, "service.How": asIs, "service.Detail": asText, "service.Start": asText,
	"pool.Service": asIs, "pool.Instance": asText, "pool.Pool": asPool, "pool.How": asIs,
	"statement.DB": asText, "statement.User": asUser, "statement.Schema": asSchema, "statement.Command": asIs, "statement.State": asText,
	"statement.Digest": asDigest, "statement.Verb": asIs, "statement.Table": asIs,
	"transaction.DB": asText, "transaction.ID": asIs, "transaction.State": asIs, "transaction.Digest": asDigest,
	"transaction.User": asUser, "transaction.Isolation": asIs,
	"lock-wait.DB": asText, "lock-wait.Lock": asIs, "lock-wait.Schema": asSchema, "lock-wait.Table": asIs, "lock-wait.Index": asIs,
	"lock-wait.WaiterDigest": asDigest, "lock-wait.BlockerDigest": asDigest, "lock-wait.BlockerUser": asUser,
	"db-status.DB": asText,
	"db-server.DB": asText, "db-server.Flavour": asIs, "db-server.Version": asIs, "db-server.FlushMethod": asIs, "db-server.BinlogFormat": asIs,
	"digest.DB": asText, "digest.Schema": asSchema, "digest.Digest": asDigest,
	"table.DB": asText, "table.Schema": asSchema, "table.Name": asIs, "table.Engine": asIs, "table.Indexes.Name": asIs, "table.Indexes.Columns": asIs,
	"growth.DB": asText, "growth.Schema": asSchema, "growth.Name": asIs, "growth.Column": asIs,
	"plan.DB": asText, "plan.Digest": asDigest, "plan.Table": asIs, "plan.Access": asIs, "plan.Key": asIs, "plan.Keys": asIs, "plan.Extra": asText,
	"filter.DB": asText, "filter.Digest": asDigest, "filter.Verb": asIs, "filter.Schema": asSchema, "filter.Table": asIs,
	"filter.Equal": asIs, "filter.Range": asIs, "filter.Wrapped": asIs, "filter.OrderBy": asIs,
	"traffic.Site": asSite, "traffic.Class": asIs,
	"client.Site": asSite, "client.Class": asIs, "client.Client": asAddress, "client.Agent": asAgent, "client.Path": asURLPath,
	"attack.ID":  asIs, // of our own detectors
	"probe.Site": asSite, "probe.URL": asURL, "probe.Error": asIs,
	"error-line.Service": asIs, "error-line.Instance": asText, "error-line.ID": asIs, "error-line.Message": asText, "error-line.File": asIs,
	"site.Name": asSite, "site.Root": asPath, "site.Platform": asIs, "site.URL": asURL, "site.Version": asIs, "site.Schema": asSchema,
	"site.Prefix": asIs, "site.Plugins": asIs,
	"cron-event.Site": asSite, "cron-event.Hook": asIs, "cron-event.Schedule": asIs, "cron-event.Owner": asIs, "cron-event.How": asIs,
	"owner.Site": asSite, "owner.Table": asIs, "owner.Plugin": asIs, "owner.How": asIs, "owner.Version": asIs,
	"hook-table.Site": asSite, "hook-table.Hook": asIs, "hook-table.Table": asIs, "hook-table.Plugin": asIs, "hook-table.File": asIs,
	"path.Site": asSite, "path.Class": asIs, "path.Pattern": asPattern, "path.Robot": asIs,
	"sessions.DB": asText, "sessions.User": asUser, "sessions.Schema": asSchema,
	"outbound.Service": asIs, "outbound.Instance": asText, "outbound.Remote": asRemote, "outbound.State": asIs,
	"change.What": asIs, "change.Name": asThing, "change.Site": asSite, "change.From": asIs, "change.To": asIs, "change.Verb": asIs, "change.How": asIs, "change.Service": asIs,
	"options.Site": asSite, "options.Table": asIs, "options.Largest.Name": asIs, "options.Largest.Owner": asIs,
	"schedule.Origin": asOrigin, "schedule.Spec": asIs, "schedule.Command": asCommand,
}

// redactor replaces personal data, the same by the same throughout a tape.
type redactor struct {
	names  *pseudonyms
	nets   *addresses
	cache  map[treatment]map[string]string // a tape repeats its texts endlessly
	hosts  map[string]bool
	users  map[string]bool
	schema map[string]bool
	roots  map[string]string // directory of a site → its host
}

func newRedactor(salt []byte) *redactor {
	return &redactor{names: newPseudonyms(salt), nets: newAddresses(salt), cache: map[treatment]map[string]string{},
		hosts: map[string]bool{}, users: map[string]bool{}, schema: map[string]bool{}, roots: map[string]string{}}
}

// learn collects the names that must be replaced wherever they stand.
func (d *redactor) learn(rs []evidence.Record) {
	for _, r := range rs {
		visit(r.Fact, func(t treatment, s string) string {
			switch t {
			case asUser:
				d.users[s] = true
			case asSchema:
				d.schema[s] = true
			case asSite:
				d.hosts[hostOf(s)] = true
			case asURL:
				d.hosts[hostOf(s)] = true
			case asOrigin:
				d.users[strings.TrimPrefix(s, "crontab ")] = strings.HasPrefix(s, "crontab ")
			default: // names nobody
			}
			return s
		})
		if s, ok := r.Fact.(evidence.Site); ok && len(s.Root) > 1 {
			d.roots[strings.TrimRight(s.Root, "/")] = hostOf(s.Name)
		}
	}
}

// settle gives each name its number, in alphabetic order.
func (d *redactor) settle() {
	for _, h := range sorted(d.hosts) {
		d.names.host(h)
	}
	for _, u := range sorted(d.users) {
		d.names.user(u)
	}
	for _, s := range sorted(d.schema) {
		d.names.schema(s)
	}
	for root, host := range d.roots {
		if to := d.names.host(host); to != "" {
			d.names.roots[root] = "/srv/" + strings.TrimSuffix(strings.TrimPrefix(to, "www."), ".example")
		}
	}
}

func sorted(set map[string]bool) []string {
	var out []string
	for s, in := range set {
		if in && s != "" {
			out = append(out, s)
		}
	}
	sort.Strings(out)
	return out
}

func (d *redactor) record(r evidence.Record) evidence.Record {
	r.Fact = visit(r.Fact, d.text)
	return r
}

func (d *redactor) text(t treatment, s string) string {
	if s == "" || t == asIs {
		return s
	}
	if d.cache[t] == nil || len(d.cache[t]) > 20_000 {
		d.cache[t] = map[string]string{}
	}
	to, ok := d.cache[t][s]
	if !ok {
		to = d.replace(t, s)
		d.cache[t][strings.Clone(s)] = to
	}
	return to
}

func (d *redactor) replace(t treatment, s string) string {
	switch t {
	case asDigest:
		return d.names.digest(s)
	case asUser:
		return d.names.user(s)
	case asSchema:
		return d.names.schema(s)
	case asSite:
		return d.site(s)
	case asAddress:
		return d.nets.replace(s)
	case asRemote:
		return d.nets.replaceRemote(s)
	case asAgent:
		return d.names.agent(s)
	case asURLPath:
		return d.names.urlPath(s)
	case asPattern:
		return d.names.pattern(s)
	case asURL:
		return d.url(s)
	case asPath:
		return d.names.path(s)
	case asThing:
		if strings.HasPrefix(s, "/") {
			return d.names.path(s)
		}
		return s
	case asPool:
		return d.names.pool(s)
	case asOrigin:
		return d.origin(s)
	case asCommand:
		return d.command(s)
	default: // text, and what has no treatment of its own
		return d.words(s)
	}
}

// visit returns the fact with each of its texts replaced.
func visit(f evidence.Fact, do func(treatment, string) string) evidence.Fact {
	v := reflect.New(reflect.TypeOf(f)).Elem()
	v.Set(reflect.ValueOf(f))
	visitFields(v, f.Kind(), do)
	out, ok := reflect.TypeAssert[evidence.Fact](v)
	if !ok {
		return f // cannot be: v is of f's own type
	}
	return out
}

func visitFields(v reflect.Value, name string, do func(treatment, string) string) {
	for i := range v.NumField() {
		f, path := v.Field(i), name+"."+v.Type().Field(i).Name
		switch f.Kind() {
		case reflect.String:
			f.SetString(do(treatments[path], f.String()))
		case reflect.Slice:
			f.Set(visitSlice(f, path, do))
		case reflect.Struct:
			visitFields(f, path, do)
		default: // numbers and switches hold nothing personal
		}
	}
}

// visitSlice works on a copy: the fact's own slice may be shared.
func visitSlice(f reflect.Value, path string, do func(treatment, string) string) reflect.Value {
	if f.IsNil() {
		return f
	}
	out := reflect.MakeSlice(f.Type(), f.Len(), f.Len())
	reflect.Copy(out, f)
	for i := range out.Len() {
		switch e := out.Index(i); e.Kind() {
		case reflect.String:
			e.SetString(do(treatments[path], e.String()))
		case reflect.Struct:
			visitFields(e, path, do)
		default:
		}
	}
	return out
}
