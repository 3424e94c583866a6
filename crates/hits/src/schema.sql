-- What a hunt found. One file, written whole and never changed after; docs/hits-format.md describes it for readers.

-- schema (version of these tables), program, catalog (fingerprint of the catalog), attack_version.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- A rule that holds on an event; event is a JSON object of canonical fields, count is how many events a hit of a rule over
-- several events has.
CREATE TABLE hit (
  hit INTEGER PRIMARY KEY, rule TEXT NOT NULL, time TEXT, host TEXT, file TEXT NOT NULL, record INTEGER NOT NULL,
  provider TEXT NOT NULL, event_id TEXT NOT NULL, candidate INTEGER NOT NULL, count INTEGER, event TEXT NOT NULL);
CREATE TABLE hit_event (hit INTEGER NOT NULL, file TEXT NOT NULL, record INTEGER NOT NULL);
CREATE TABLE matched (hit INTEGER NOT NULL, field TEXT NOT NULL, op TEXT NOT NULL, value TEXT NOT NULL);

-- A rule that was asked; techniques and hosts are JSON lists.
CREATE TABLE rule (
  id TEXT PRIMARY KEY, vendor TEXT NOT NULL, title TEXT NOT NULL, severity TEXT, techniques TEXT NOT NULL,
  asked INTEGER NOT NULL, hits INTEGER NOT NULL, candidates INTEGER NOT NULL, unknown INTEGER NOT NULL, first TEXT,
  last TEXT, hosts TEXT NOT NULL, source_unknown INTEGER NOT NULL);
CREATE TABLE unknown (rule TEXT NOT NULL, why TEXT NOT NULL, events INTEGER NOT NULL);
CREATE TABLE not_run (rule TEXT NOT NULL, why TEXT NOT NULL);

CREATE TABLE indicator (field TEXT NOT NULL, op TEXT NOT NULL, value TEXT NOT NULL, events INTEGER NOT NULL);
CREATE TABLE exclusion (
  field TEXT NOT NULL, op TEXT NOT NULL, value TEXT NOT NULL, events INTEGER NOT NULL, removed INTEGER NOT NULL);

-- A log file; problems are the places in it that could not be read.
CREATE TABLE file (
  file TEXT PRIMARY KEY, read INTEGER NOT NULL, asked INTEGER NOT NULL, problems INTEGER NOT NULL);
CREATE TABLE kind (
  provider TEXT NOT NULL, event_id TEXT NOT NULL, read INTEGER NOT NULL, asked INTEGER NOT NULL, rules INTEGER NOT NULL);
