//! What prevents, detects and tests each technique, side by side.

mod board;
mod compass;
mod playbook;

pub(crate) use board::Board;
pub use board::{ColumnSource, ControlColumn};
pub use compass::{CompassFilters, CompassRow, CompassSort, CompassView, Gap, GapCount};
pub use playbook::{ControlGroup, ControlItem, EmptyReason, PlaybookTactic, PlaybookView};
