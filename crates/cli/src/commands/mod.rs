//! One file a group of commands.

pub mod build;
pub mod doctor;
pub mod export;
pub mod look;
pub mod matching;
pub mod parse;
pub mod serve;
pub mod sync;
