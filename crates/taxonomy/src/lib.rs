//! What names mean: canonical fields, log sources and their events, platforms, domains; folds predicates to indicators.
