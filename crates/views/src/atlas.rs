use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use ruleatlas_catalog::{Entry, Index, Ledger, RuleId, SourceInfo, brings_unit_tests};
use ruleatlas_model::{Attack, Condition, ParseStatus, Threat};
use ruleatlas_store::Store;
use ruleatlas_taxonomy::Taxonomy;

use crate::{
    Error, Identity, Question, Similarity,
    controls::ControlCounts,
    fires::Asking,
    in_logs::LogHits,
    search_index::{Events, KnownField, SearchIndex, Titles, Values},
};

/// An open catalog.
#[derive(Debug)]
pub struct Atlas {
    /// The rules as sets.
    pub index: Index,
    /// ATT&CK as loaded.
    pub attack: Attack,
    /// Where the content comes from.
    pub sources: Vec<SourceInfo>,
    /// What names mean.
    pub taxonomy: &'static Taxonomy,
    /// The parse ledger, once somebody has asked for it.
    ledger: OnceLock<Ledger>,
    /// What counting needs of the controls, and who threatens, likewise.
    board: OnceLock<ControlCounts>,
    threats: OnceLock<Vec<Threat>>,
    /// SQLite's connection answers one thread at a time.
    store: Mutex<Store>,
    search_index: SearchIndex,
    /// How rules are compared, once somebody has asked for it.
    pub(crate) similarity: OnceLock<Similarity>,
    /// The rules, ready to be asked about events, once somebody asks; and whether somebody is making that.
    pub(crate) asking: OnceLock<Asking>,
    pub(crate) asking_made: Mutex<()>,
    /// What hunts found with these rules.
    pub(crate) hits: Option<Arc<LogHits>>,
    /// Where the catalog was, and which file.
    path: PathBuf,
    identity: Option<Identity>,
}

impl Atlas {
    /// Opens a catalog and reads its index.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // Before it is opened: a file that comes in between is told from this one.
        let identity = Identity::of(path).ok();
        let store = Store::open(path)?;
        Ok(Self {
            index: store.index()?,
            attack: store.attack()?,
            sources: store.sources()?,
            taxonomy: Taxonomy::builtin(),
            ledger: OnceLock::new(),
            board: OnceLock::new(),
            threats: OnceLock::new(),
            store: Mutex::new(store),
            search_index: SearchIndex::default(),
            similarity: OnceLock::new(),
            asking: OnceLock::new(),
            asking_made: Mutex::new(()),
            hits: None,
            path: path.to_owned(),
            identity,
        })
    }

    /// Where the catalog was when it was opened; another one may have taken its place since.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that was opened.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.identity
    }

    /// The fingerprint of what the catalog was built from.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn fingerprint(&self) -> Result<Option<String>, Error> {
        Ok(self.store().meta("fingerprint")?)
    }

    /// How many rules and other rows of the catalog could not be read and are left out, as far as it was read. The ledger
    /// names them.
    #[must_use]
    pub fn count_damaged(&self) -> usize {
        self.store().count_damaged()
    }

    /// The file, for one reader at a time. A reader only reads, so one that panicked left nothing half done.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What counting needs of the controls.
    pub(crate) fn board(&self) -> Result<&ControlCounts, Error> {
        match self.board.get() {
            Some(board) => Ok(board),
            None => {
                let board = ControlCounts::of(self)?;
                Ok(self.board.get_or_init(|| board))
            }
        }
    }

    /// ATT&CK's groups, software and campaigns, ordered by id.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn threats(&self) -> Result<&[Threat], Error> {
        match self.threats.get() {
            Some(threats) => Ok(threats),
            None => {
                let threats = self.store().threats()?;
                Ok(self.threats.get_or_init(|| threats))
            }
        }
    }

    /// What searches and comparisons of rules need at once.
    pub(crate) fn search_index(&self) -> &Values {
        self.search_index.values(&self.index)
    }

    /// What every rule is called, likewise.
    pub(crate) fn title_index(&self) -> &Titles {
        self.search_index.titles(&self.index)
    }

    /// What every field is called, likewise; those that most rules filter first.
    pub(crate) fn field_index(&self) -> &[KnownField] {
        self.search_index.fields(&self.index, self.taxonomy)
    }

    /// What every event is called, for searches.
    pub(crate) fn event_index(&self) -> Result<&Events, Error> {
        self.search_index.events(|| {
            let mut heads = self.store().event_heads()?;
            // What no dictionary has a title for is found by that which it is shown with.
            for head in heads.iter_mut().filter(|head| head.title.is_empty()) {
                head.title = self.index.event_title(&head.event, self.taxonomy);
            }
            Ok(heads)
        })
    }

    /// Makes what the largest pages, searches and the ledger share, which otherwise the first who asks waits for. What
    /// cannot be read is said to them.
    pub fn prefetch(&self) {
        let _ = (self.search_index(), self.title_index(), self.field_index(), self.event_index().is_ok());
        let _ = self.similarity();
        let _ = self.rules(&Question::default()).is_ok();
        let _ = (self.ledger().is_ok(), self.board().is_ok(), self.threats().is_ok());
    }

    /// A rule with everything that is known of it.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn entry(&self, rule: RuleId) -> Result<Option<Entry>, Error> {
        Ok(self.store().entry(&self.index, rule)?)
    }

    /// The conditions of a rule, one a step; none where there is no such rule.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn conditions(&self, rule: RuleId) -> Result<Vec<Condition>, Error> {
        Ok(self.store().conditions(&self.index, rule)?)
    }

    /// The parse ledger, with what conditions say of the rules' own unit tests.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn ledger(&self) -> Result<&Ledger, Error> {
        if let Some(ledger) = self.ledger.get() {
            return Ok(ledger);
        }
        let (files, codes, contradictions, fields) = {
            let store = self.store();
            (store.files()?, store.diagnostic_codes()?, store.contradictions()?, store.mapped_fields()?)
        };
        let heads = self.index.heads();
        let mut read = Vec::new();
        let mut unreadable = Vec::new();
        for (rule, head) in (0..).zip(heads) {
            // Every rule is read, as one that cannot be is to be told here.
            match self.entry(rule) {
                Ok(entry) if head.parse != ParseStatus::Full || brings_unit_tests(head.vendor) => read.extend(entry),
                Ok(_) => {}
                Err(Error::Store(ruleatlas_store::Error::Rule { reason, .. })) => unreadable.push((head, reason)),
                Err(error) => return Err(error),
            }
        }
        let mut ledger = Ledger::from_heads(&files, heads, &codes, &contradictions, read.iter());
        ledger.add_unit_tests(read.iter());
        for (head, reason) in unreadable {
            ledger.add_unreadable(head, reason);
        }
        for row in self.store().damaged_rows() {
            ledger.add_damaged_row(row.table, &row.key, row.rule, row.reason);
        }
        ledger.add_recognition(heads, &codes, &fields);
        Ok(self.ledger.get_or_init(|| ledger))
    }
}
