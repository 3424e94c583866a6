//! A part of every list of an answer, and how long the lists are.

use std::collections::BTreeMap;

use ruleatlas_catalog::{Guide, Part};
use ruleatlas_views::{
    AlignView, CompassView, CoverageView, EventView, FieldView, HomeView, HuntView, HuntsView, IndicatorView,
    LogSourceView, PlatformView, ProviderView, ScopeView, TacticView, TechniqueView, VendorView,
};
use serde::Serialize;

use super::{Parameter, Values, parameter::one};

/// The parameters of every answer with lists.
pub(super) const PAGING: &[Parameter] = &[OFFSET, LIMIT];
pub(super) const OFFSET: Parameter =
    one("offset", "Where each list begins, from 0, in JSON and CSV; the page has pages of its own.", Values::Count);
pub(super) const LIMIT: Parameter =
    one("limit", "At most this many rows of each list, in JSON and CSV.", Values::Count);

/// The part of a list that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) offset: usize,
    /// `None` for all that follow.
    pub(crate) limit: Option<usize>,
}

impl Window {
    /// The same for views that make no more than is asked for.
    pub(crate) fn part(self) -> Part {
        Part { offset: self.offset, limit: self.limit.unwrap_or(usize::MAX) }
    }

    /// Leaves of a list what is asked for; gives how long it was.
    pub(crate) fn cut<T>(self, list: &mut Vec<T>) -> usize {
        let total = list.len();
        list.drain(..self.offset.min(total));
        list.truncate(self.limit.unwrap_or(usize::MAX));
        total
    }
}

/// How long the lists of a guide and its rules are, whatever part of them is made.
pub(super) fn totals(guide: &Guide) -> Totals {
    Totals::from([
        ("events", guide.events_distinct),
        ("fields", guide.fields_distinct),
        ("indicators", guide.indicators_distinct),
        ("exclusions", guide.exclusions_distinct),
        ("rule_list", guide.members.len()),
    ])
}

/// How many rows each list of an answer has before `offset` and `limit`, by its key.
pub(crate) type Totals = BTreeMap<&'static str, usize>;

/// A view with how long its lists are; the numbers stand there only where a part is asked for, so that the whole is what
/// the command line writes.
#[derive(Serialize)]
pub(crate) struct Paged<'a, T> {
    #[serde(flatten)]
    view: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<Totals>,
}

impl<'a, T: Lists> Paged<'a, T> {
    /// Cuts the lists of a view.
    pub(super) fn new(view: &'a mut T, window: Option<Window>) -> Self {
        let totals = window.map(|window| {
            let mut totals = Totals::new();
            view.cut(window, &mut totals);
            totals
        });
        Self { view, totals }
    }
}

impl<'a, T> Paged<'a, T> {
    /// A view whose one list was cut already.
    pub(super) fn counted(view: &'a T, totals: Option<Totals>) -> Self {
        Self { view, totals }
    }
}

/// Something with lists.
pub(super) trait Lists {
    /// Leaves of every list what is asked for, and says how long it was.
    fn cut(&mut self, window: Window, totals: &mut Totals);
}

/// The lists of a view by the names of its members, which are their keys; a guide stands among them flat.
macro_rules! lists {
    ($($view:ty: $($list:ident)* $(+ $guide:ident)?;)*) => {$(
        impl Lists for $view {
            fn cut(&mut self, window: Window, totals: &mut Totals) {
                $(self.$guide.cut(window, totals);)?
                $(totals.insert(stringify!($list), window.cut(&mut self.$list));)*
            }
        }
    )*};
}

lists! {
    Guide: events fields indicators exclusions;
    TechniqueView: rule_list + guide;
    ScopeView: rule_list + guide;
    LogSourceView: techniques rule_list + guide;
    EventView: event_fields techniques analytics related rule_list + guide;
    FieldView: indicators exclusions events;
    PlatformView: providers events unknown recommended techniques;
    ProviderView: events fields techniques;
    VendorView: techniques log_sources newest;
    HomeView: techniques platforms newest sources;
    IndicatorView: rule_list excluding_rules techniques combined;
    AlignView: techniques;
    CompassView: techniques;
    HuntView: timeline rules blind not_run indicators exclusions files kinds;
    CoverageView: collected techniques next_best blind_rules;
}

impl Lists for TacticView {
    fn cut(&mut self, window: Window, totals: &mut Totals) {
        totals.insert("techniques", window.cut(&mut self.column.techniques));
        totals.insert("only_tactic", window.cut(&mut self.only_tactic));
    }
}

impl Lists for HuntsView {
    fn cut(&mut self, window: Window, totals: &mut Totals) {
        if let Some(together) = &mut self.together {
            together.cut(window, totals);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_leaves_what_is_asked_for_and_never_fails() {
        let cut = |offset, limit| {
            let mut list: Vec<u8> = (0..5).collect();
            let total = Window { offset, limit }.cut(&mut list);
            (total, list)
        };
        assert_eq!(cut(0, None), (5, vec![0, 1, 2, 3, 4]));
        assert_eq!(cut(1, Some(2)), (5, vec![1, 2]));
        assert_eq!(cut(4, Some(2)), (5, vec![4]));
        assert_eq!(cut(usize::MAX, Some(usize::MAX)), (5, vec![]));
        assert_eq!(cut(0, Some(0)), (5, vec![]));
    }
}
