-- What hunts found. One file, written whole and never changed after; docs/hits-format.md describes it for readers.

-- schema (version of these tables), program, catalog (fingerprint of the catalog), attack_version.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- A hunt: the logs that one run read. Every other row belongs to one. redacted is a JSON list of canonical fields; saves_hits
-- and saves_events say whether hits and their events are here at all.
CREATE TABLE data_set (
  data_set INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, read INTEGER NOT NULL, asked INTEGER NOT NULL,
  unknown_shape INTEGER NOT NULL, redacted TEXT NOT NULL, saves_hits INTEGER NOT NULL, saves_events INTEGER NOT NULL);

-- A rule that holds on an event; event is a JSON object of canonical fields, count is how many events a hit of a rule over
-- several events has.
CREATE TABLE hit (
  hit INTEGER PRIMARY KEY, data_set INTEGER NOT NULL, rule TEXT NOT NULL, time TEXT, host TEXT, file TEXT NOT NULL,
  record INTEGER NOT NULL, provider TEXT NOT NULL, event_id TEXT NOT NULL, candidate INTEGER NOT NULL, count INTEGER,
  event TEXT NOT NULL);
CREATE TABLE hit_event (hit INTEGER NOT NULL, file TEXT NOT NULL, record INTEGER NOT NULL);
CREATE TABLE matched (hit INTEGER NOT NULL, field TEXT NOT NULL, op TEXT NOT NULL, value TEXT NOT NULL);

-- A rule that was asked; techniques and hosts are JSON lists. host_count counts hosts that are not named, too.
CREATE TABLE rule (
  data_set INTEGER NOT NULL, id TEXT NOT NULL, vendor TEXT NOT NULL, title TEXT NOT NULL, severity TEXT,
  techniques TEXT NOT NULL, asked INTEGER NOT NULL, hits INTEGER NOT NULL, candidates INTEGER NOT NULL,
  unknown INTEGER NOT NULL, first TEXT, last TEXT, hosts TEXT NOT NULL, host_count INTEGER NOT NULL,
  source_unknown INTEGER NOT NULL, PRIMARY KEY (data_set, id)) WITHOUT ROWID;
CREATE TABLE unknown (data_set INTEGER NOT NULL, rule TEXT NOT NULL, why TEXT NOT NULL, events INTEGER NOT NULL);
CREATE TABLE not_run (data_set INTEGER NOT NULL, rule TEXT NOT NULL, why TEXT NOT NULL);

CREATE TABLE indicator (
  data_set INTEGER NOT NULL, field TEXT NOT NULL, op TEXT NOT NULL, value TEXT NOT NULL, modifier TEXT NOT NULL,
  events INTEGER NOT NULL);
CREATE TABLE exclusion (
  data_set INTEGER NOT NULL, field TEXT NOT NULL, op TEXT NOT NULL, value TEXT NOT NULL, modifier TEXT NOT NULL,
  events INTEGER NOT NULL, removed INTEGER NOT NULL);

-- A log file; problems are the places in it that could not be read.
CREATE TABLE file (
  data_set INTEGER NOT NULL, file TEXT NOT NULL, read INTEGER NOT NULL, asked INTEGER NOT NULL,
  problems INTEGER NOT NULL);
CREATE TABLE kind (
  data_set INTEGER NOT NULL, provider TEXT NOT NULL, event_id TEXT NOT NULL, read INTEGER NOT NULL,
  asked INTEGER NOT NULL, rules INTEGER NOT NULL);

CREATE INDEX hit_of_rule ON hit (rule, candidate, time);
CREATE INDEX hit_event_of_hit ON hit_event (hit);
CREATE INDEX matched_of_hit ON matched (hit);
CREATE INDEX matched_of_value ON matched (field, op, value);
