//! Pages, JSON and static files from one set of view functions.
