//! Builds the whole catalog in parallel, indexes it, and answers any scope with its guide.
