//! What every page, JSON answer and terminal table shows, as values.
//!
//! An [`Atlas`] is an open catalog. Its methods answer one question each with a struct that serialises to the JSON other
//! programs rely on; the terminal and the web site render the same struct.
//!
//! ```no_run
//! use ruleatlas_catalog::Filters;
//! use ruleatlas_views::Atlas;
//!
//! let atlas = Atlas::open("catalog.db".as_ref())?;
//! let guide = atlas.technique("T1071", true, &Filters::default())?;
//! println!("{}", guide.guide.rules.total);
//! # Ok::<(), ruleatlas_views::Error>(())
//! ```
//!
//! It prints nothing and serves nothing.

mod about;
mod align;
mod atlas;
mod attack_events;
mod attack_text;
mod changes;
mod cloud_telemetry;
mod collected_telemetry;
mod controls;
mod conversion;
mod coverage;
mod csv_text;
mod error;
mod event;
mod event_detail;
mod export;
mod field;
mod field_table;
mod fires;
mod home;
mod identity;
mod in_logs;
mod indicator;
mod layer;
mod ledger;
mod match_rank;
mod matrix;
mod metadata;
mod order;
mod platform;
mod question;
mod recordings;
mod relation;
mod rule;
mod search;
mod search_index;
mod searchable;
mod silent;
mod similar;
mod similar_rules;
mod similarity;
mod snippet;
mod technique;
mod telemetry;
mod test_fires;
mod vendor;
mod years;

pub use about::AboutView;
pub use align::{AlignRequest, AlignRow, AlignView, AlignmentStatus, ReadLayer, ThreatItem};
pub use atlas::Atlas;
pub use attack_events::{AttackEvents, AttackLog, AttackStrategy, NamedEvent};
pub use attack_text::{AttackPiece, AttackPieceKind, attack_pieces};
pub use changes::{
    Changes, ChangesRequest, DescriptionChange, PredicateChange, PredicateChangeKind, RuleChange, VendorChanges,
};
pub use collected_telemetry::{CollectedTelemetry, HAVE_KINDS, TelemetryError};
pub use controls::{
    ColumnSource, CompassFilters, CompassRow, CompassSort, CompassView, ControlColumn, ControlGroup, ControlItem,
    EmptyReason, Gap, GapCount, PlaybookTactic, PlaybookView,
};
pub use conversion::{ConversionJson, ConversionView, conversion_json};
pub use coverage::{
    BlindRule, CollectedEvent, CoverageCount, CoverageView, MissingEvent, NextEvent, TechniqueCoverage,
};
pub use csv_text::{Cells, CsvText};
pub use error::Error;
pub use event::{
    Credit, EventFacts, EventFieldRow, EventItem, EventView, EventsQuestion, EventsView, ProviderField, ProviderView,
};
pub use event_detail::{AnalyticItem, EnableView, RelatedEvent, SampleMember, SampleView};
pub use export::{ExportRow, export_rule};
pub use field::{FieldCheck, FieldView};
pub use field_table::{FieldExport, NameExport};
pub use fires::{
    CommandEvent, CommandPlatform, FailedCheck, FiresError, FiresEvents, FiresInput, FiresKind, FiresProblem,
    FiresView, FiringCheck, FiringRule, MAX_FIRES_BYTES, MAX_FIRES_EVENTS, NearRule, UndecidedRule,
};
pub use home::{HomeView, TechniqueCount};
pub use identity::Identity;
pub use in_logs::{
    ExclusionMeasure, HitItem, HitView, HuntBlind, HuntDataSet, HuntEvents, HuntFile, HuntKind, HuntNotRun, HuntRule,
    HuntTime, HuntUnknown, HuntValue, HuntView, HuntsView, IndicatorMeasure, LogHits, RuleHitsView, RuleInLogs,
    RuleMeasure, TechniqueMeasure, ValueInLogs,
};
pub use indicator::{IndicatorView, TechniqueShare};
pub use layer::{Layer, LayerFact, LayerGradient, LayerLayout, LayerLegend, LayerTechnique, LayerVersions};
pub use ledger::{Fault, LedgerQuestion, LedgerReason, LedgerRow, LedgerView};
pub use matrix::{MatrixSubTechnique, MatrixTactic, MatrixTechnique, MatrixView, TacticView};
pub use metadata::{MetadataEntry, metadata_entries};
pub use order::{Order, Table, csv, indicators_csv};
pub use platform::{
    PlatformCount, PlatformCoverage, PlatformItem, PlatformProvider, PlatformView, PlatformsView, RecommendedEvent,
    platform_names,
};
pub use question::{Check, Question, ScopeView};
pub use recordings::{RecordedRule, RecordedValue, Recording, recorded_hash, recorded_rule, recordings};
pub use relation::{Comparable, RuleReads, RuleStatement, Statements};
pub use rule::{RuleJson, RuleView};
pub use ruleatlas_store::words;
pub use search::{Hit, SearchView};
pub use searchable::{SearchableField, SearchableValue};
pub use silent::{SilentRule, WithoutEvent};
pub use similar::{edit_distance, nearest};
pub use similar_rules::{RuleRelation, SharedIndicator, SimilarRule, Witness};
pub use similarity::{Aspect, Profile, Similarity, technique_family};
pub use snippet::{Snippet, snippet_in, snippets};
pub use technique::{RuleItem, TechniqueView};
pub use telemetry::Telemetry;
pub use test_fires::{EmulatedTest, TestEvent, TestsRequest, TestsView, WouldFire};
pub use vendor::{LogSourceView, ValueCount, VendorView};
pub use years::{Year, Years};
