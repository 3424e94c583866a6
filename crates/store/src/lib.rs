//! Writes and reads a catalog as one SQLite file that people also open with their own tools.
