-- The catalog. One file, written whole by `ruleatlas build` and never changed after.
-- Rules are numbered from 0 in the order of their ids; `rule` in every table is that number.

-- What the file is: schema (version of these tables), program (that wrote it), fingerprint (of the sources' content),
-- events_read (how many of the events rules read).
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Where the content comes from; items is what it gives: rules, or of a source without rules techniques, events or controls.
CREATE TABLE source (
  name TEXT NOT NULL, kind TEXT NOT NULL, url TEXT, commit_id TEXT, date TEXT, link TEXT, license TEXT,
  files INTEGER NOT NULL, rules INTEGER NOT NULL, items INTEGER NOT NULL);

-- Every file of every source; outcome is rules, not_a_rule or unreadable; query_like is 1 where a file without rules looks
-- like one that holds a query.
CREATE TABLE file (
  source TEXT NOT NULL, path TEXT NOT NULL, outcome TEXT NOT NULL, reason TEXT, line INTEGER, rules INTEGER NOT NULL,
  query_like INTEGER NOT NULL);

-- A rule; counted is 1 where it counts without being asked for.
CREATE TABLE rule (
  rule INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, vendor TEXT NOT NULL, source TEXT NOT NULL, path TEXT NOT NULL,
  line INTEGER NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL, language TEXT NOT NULL, status TEXT, severity TEXT,
  date TEXT, modified TEXT, parse TEXT NOT NULL, variant_of TEXT, counted INTEGER NOT NULL);

-- What a rule's page shows besides; authors, links, false_positives, tags, extra and conditions are JSON.
-- conditions is a list, one condition a step; its nodes are a list in prefix order, each all, any and not with the number
-- of its children, so that no reader has to nest.
CREATE TABLE rule_body (
  rule INTEGER PRIMARY KEY, description TEXT NOT NULL, query TEXT NOT NULL, license TEXT, authors TEXT NOT NULL,
  links TEXT NOT NULL, false_positives TEXT NOT NULL, tags TEXT NOT NULL, extra TEXT NOT NULL, conditions TEXT NOT NULL);

-- A tag of a rule and a technique of the loaded ATT&CK version that it leads to (null where nobody knows it);
-- resolution is the way there.
CREATE TABLE rule_technique (
  rule INTEGER NOT NULL, tag TEXT NOT NULL, technique TEXT, resolution TEXT NOT NULL, inferred INTEGER NOT NULL);
CREATE TABLE rule_tactic (rule INTEGER NOT NULL, tactic TEXT NOT NULL);
CREATE TABLE rule_platform (rule INTEGER NOT NULL, platform TEXT NOT NULL);
CREATE TABLE rule_domain (rule INTEGER NOT NULL, domain TEXT NOT NULL);
CREATE TABLE rule_log_source (rule INTEGER NOT NULL, log_source TEXT NOT NULL);

-- An event that a rule reads; explicit is 1 where the rule writes the event's id itself.
CREATE TABLE rule_event (
  rule INTEGER NOT NULL, provider TEXT NOT NULL, event_id TEXT NOT NULL, explicit INTEGER NOT NULL, why TEXT NOT NULL);

-- What a rule needs to fire: steps is a JSON list, a list of alternatives a step, each [provider, event_id]; of every step
-- at least one must be collected, and of an empty one nobody knows what it reads.
CREATE TABLE rule_need (rule INTEGER PRIMARY KEY, steps TEXT NOT NULL);

-- An event that a dictionary knows or a rule reads; those that rules read come first. title_by is the dictionary whose
-- title it is; known is 1 where a dictionary says something of it, sample where it has an event as a sample.
CREATE TABLE event (
  event INTEGER PRIMARY KEY, provider TEXT NOT NULL, event_id TEXT NOT NULL, channel TEXT, title TEXT, title_by TEXT,
  known INTEGER NOT NULL, sample INTEGER NOT NULL);
-- Who writes events: platforms and dictionaries (that know its events) are JSON lists, events and read are how many events
-- it has and how many of them rules read.
CREATE TABLE provider (
  provider TEXT PRIMARY KEY COLLATE NOCASE, platforms TEXT NOT NULL, dictionaries TEXT NOT NULL, events INTEGER NOT NULL,
  read INTEGER NOT NULL) WITHOUT ROWID;
-- The fields of a provider's events: how many events have it, and the first that does.
CREATE TABLE provider_field (
  provider TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL, events INTEGER NOT NULL, event INTEGER NOT NULL);
-- What dictionaries say of an event, as a JSON object, each fact with its dictionary.
CREATE TABLE event_body (event INTEGER PRIMARY KEY, body TEXT NOT NULL);
-- The events that have a field; the name is in lower case, events is a JSON list of their numbers.
CREATE TABLE event_field (name TEXT PRIMARY KEY, events TEXT NOT NULL) WITHOUT ROWID;

-- What is wrong with a rule; code groups alike cases, span_* are bytes in the query, line is in the file.
CREATE TABLE diagnostic (
  rule INTEGER NOT NULL, level TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, span_start INTEGER,
  span_end INTEGER, line INTEGER);

-- A predicate, in the order of the query. op is the positive form, written_op is what the author wrote; negated is 1 where a
-- nested or computed predicate is negative in the normal form. "values" is a JSON list.
CREATE TABLE predicate (
  rule INTEGER NOT NULL, n INTEGER NOT NULL, step INTEGER NOT NULL, stage INTEGER, role TEXT NOT NULL,
  raw_field TEXT NOT NULL, field TEXT NOT NULL, mapped INTEGER NOT NULL, op TEXT NOT NULL, written_op TEXT NOT NULL,
  negated INTEGER NOT NULL,   "values" TEXT NOT NULL, case_sensitive INTEGER NOT NULL, modifier TEXT, "group" INTEGER, derived_from TEXT,
  span_start INTEGER NOT NULL, span_end INTEGER NOT NULL, PRIMARY KEY (rule, n)) WITHOUT ROWID;

-- A field that rules filter, canonical or raw.
CREATE TABLE field (field INTEGER PRIMARY KEY, name TEXT NOT NULL);
-- Which rule filters which field with which operator.
CREATE TABLE rule_field (rule INTEGER NOT NULL, field INTEGER NOT NULL, op TEXT NOT NULL);

-- What is counted: field, folded operator and value as most rules spell it; reach is the number of counted rules that
-- look for it, exclusion_reach of those that exclude it.
CREATE TABLE indicator (
  indicator INTEGER PRIMARY KEY, field INTEGER NOT NULL, op TEXT NOT NULL, value TEXT NOT NULL, modifier TEXT,
  reach INTEGER NOT NULL, exclusion_reach INTEGER NOT NULL);
-- Which rule has which indicator; role is indicator or exclusion; grouped is 1 where it excludes only with others.
CREATE TABLE rule_indicator (
  rule INTEGER NOT NULL, indicator INTEGER NOT NULL, role TEXT NOT NULL, grouped INTEGER NOT NULL);

-- ATT&CK as loaded: one JSON object an object, under its id.
CREATE TABLE technique (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, domain TEXT NOT NULL, parent TEXT, deprecated INTEGER NOT NULL,
  body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tactic (n INTEGER PRIMARY KEY, id TEXT NOT NULL, short_name TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE mitigation (id TEXT PRIMARY KEY, name TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
-- How ATT&CK detects a technique, its sub-techniques apart: a JSON list of analytics with the logs that they read.
CREATE TABLE analytic (technique TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
-- The events that ATT&CK's analytics of a technique name, each with the data component that it is named for.
CREATE TABLE analytic_event (
  provider TEXT NOT NULL, event_id TEXT NOT NULL, technique TEXT NOT NULL, analytic TEXT NOT NULL, component TEXT NOT NULL,
  url TEXT NOT NULL, PRIMARY KEY (provider, event_id, technique, analytic, component, url)) WITHOUT ROWID;
-- Ids that lead elsewhere; kind is technique or tactic; "to" is a JSON list.
CREATE TABLE redirect (kind TEXT NOT NULL, id TEXT NOT NULL, "to" TEXT NOT NULL, resolution TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;

-- Where controls come from: source is mitigations, d3fend, car, car-tests, atomic or stratus; name is that of the source
-- that holds them, version what it states itself; mapped is how many of them belong to a technique.
CREATE TABLE control_source (source TEXT NOT NULL, name TEXT NOT NULL, version TEXT, total INTEGER NOT NULL, mapped INTEGER NOT NULL);
-- A countermeasure, analytic or test; platforms is a JSON list, tactic is D3FEND's, executor runs a test, elevated is 1
-- where it asks for an administrator's rights.
CREATE TABLE control (
  control INTEGER PRIMARY KEY, source TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, url TEXT NOT NULL, path TEXT NOT NULL,
  description TEXT NOT NULL, tactic TEXT, platforms TEXT NOT NULL, executor TEXT, elevated INTEGER NOT NULL);
-- The commands of a test, with the default values of its arguments; they are never run.
CREATE TABLE control_script (control INTEGER PRIMARY KEY, script TEXT NOT NULL);
-- Which control belongs to which technique of the loaded ATT&CK version: cited is the id that the source writes,
-- resolution the way from there; basis is official where the source maps the technique itself, derived where it follows
-- from what it says, and how (a JSON list) says how.
CREATE TABLE control_technique (
  control INTEGER NOT NULL, technique TEXT NOT NULL, cited TEXT NOT NULL, resolution TEXT NOT NULL, basis TEXT NOT NULL,
  how TEXT NOT NULL);
-- Every technique that a source names, with or without a control.
CREATE TABLE control_known (source TEXT NOT NULL, technique TEXT NOT NULL);
-- ATT&CK's groups, software and campaigns; kind is group, software or campaign; aliases, attributed_to (ids of groups) and
-- techniques (ids of the loaded version) are JSON lists; revoked_by is the id that took its place.
CREATE TABLE threat (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, aliases TEXT NOT NULL, url TEXT NOT NULL,
  deprecated INTEGER NOT NULL, revoked_by TEXT, attributed_to TEXT NOT NULL, techniques TEXT NOT NULL) WITHOUT ROWID;

-- Full text of titles and descriptions; rowid is the rule's number.
CREATE VIRTUAL TABLE rule_text USING fts5(title, description, id, content='', detail=column, tokenize="unicode61 tokenchars '_'");
