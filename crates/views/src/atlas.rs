use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ruleatlas_catalog::{Entry, Index, Ledger, RuleId, SourceInfo};
use ruleatlas_model::Attack;
use ruleatlas_store::Store;
use ruleatlas_taxonomy::Taxonomy;

use crate::Error;

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
    /// SQLite's connection answers one thread at a time.
    store: Mutex<Store>,
}

impl Atlas {
    /// Opens a catalog and reads its index.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let store = Store::open(path)?;
        Ok(Self {
            index: store.index()?,
            attack: store.attack()?,
            sources: store.sources()?,
            taxonomy: Taxonomy::builtin(),
            store: Mutex::new(store),
        })
    }

    /// The file, for one reader at a time. A reader only reads, so one that panicked left nothing half done.
    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A rule with everything that is known of it.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn entry(&self, rule: RuleId) -> Result<Option<Entry>, Error> {
        Ok(self.store().entry(&self.index, rule)?)
    }

    /// The parse ledger, with what conditions say of the rules' own unit tests.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn ledger(&self) -> Result<Ledger, Error> {
        let files = self.store().files()?;
        let mut entries = Vec::with_capacity(self.index.heads().len());
        for rule in 0..u32::try_from(self.index.heads().len()).unwrap_or(u32::MAX) {
            entries.extend(self.entry(rule)?);
        }
        let mut ledger = Ledger::from_parts(&files, entries.iter());
        ledger.add_unit_tests(entries.iter());
        Ok(ledger)
    }
}
