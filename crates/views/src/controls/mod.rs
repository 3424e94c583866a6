//! What prevents, detects and tests each technique, side by side.

mod compass;
mod control_counts;
mod playbook;

pub use compass::{CompassFilters, CompassRow, CompassSort, CompassView, Gap, GapCount};
pub(crate) use control_counts::ControlCounts;
pub use control_counts::{ColumnSource, ControlColumn};
pub use playbook::{ControlGroup, ControlItem, EmptyReason, PlaybookTactic, PlaybookView};
