package tape

// schemaSQL makes the tables of a new tape. Times are in milliseconds since
// 1970 (UTC): datetime(from_ms/1000, 'unixepoch') shows them.
const schemaSQL = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- what was committed since the last block; data is zstd of a CBOR sequence
CREATE TABLE tail (
  id INTEGER PRIMARY KEY, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
  version INTEGER NOT NULL, facts INTEGER NOT NULL, data BLOB NOT NULL);

-- all facts of about a minute; data as in tail, sorted by kind
CREATE TABLE block (
  id INTEGER PRIMARY KEY AUTOINCREMENT, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
  version INTEGER NOT NULL, facts INTEGER NOT NULL, data BLOB NOT NULL);

-- facts about what exists, kept longer than the blocks; data is one CBOR record
CREATE TABLE context (
  kind TEXT NOT NULL, subject TEXT NOT NULL, slot INTEGER NOT NULL,
  at_ms INTEGER NOT NULL, version INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (kind, subject, slot)) WITHOUT ROWID;

CREATE TABLE minute (
  from_ms INTEGER PRIMARY KEY,
  cpu_share REAL, iowait_share REAL, steal_share REAL, throttled_ms INTEGER,
  mem_avail_kb INTEGER, php_cpu_ms INTEGER, db_cpu_ms INTEGER,
  requests INTEGER, errors_5xx INTEGER, probe_p50_ms INTEGER, probes INTEGER,
  probes_failed INTEGER, pool_queue_max INTEGER, statement_max_ms INTEGER);

CREATE TABLE statement (
  db TEXT NOT NULL, schema TEXT NOT NULL, digest TEXT NOT NULL,
  verb TEXT NOT NULL, main_table TEXT NOT NULL,
  first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
  times_seen INTEGER NOT NULL, max_running_ms INTEGER NOT NULL, max_rows_read INTEGER NOT NULL,
  PRIMARY KEY (db, schema, digest)) WITHOUT ROWID;
CREATE INDEX statement_last ON statement (last_ms);

CREATE TABLE incident (
  id INTEGER PRIMARY KEY, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
  status TEXT NOT NULL, causes TEXT NOT NULL);

-- verdicts, newest last; json is what hirune diagnose --json prints
CREATE TABLE finding (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, json TEXT NOT NULL);

-- what hirune did to the server
CREATE TABLE action (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, json TEXT NOT NULL);
`

// historySQL is what version 2 added.
const historySQL = `
-- what logs held before the recorder began to follow them; data as in tail. A
-- session is one run of the recorder: each reads the logs anew
CREATE TABLE history (
  id INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
  version INTEGER NOT NULL, facts INTEGER NOT NULL, data BLOB NOT NULL);
`

// expectedTables are the tables without which a file is no tape.
var expectedTables = []string{"meta", "tail", "block", "context"}
