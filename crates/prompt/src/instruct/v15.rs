//! v15: settings of the model stand after the tools; chunks of one message join without a gap (`normalize.rs`).

use super::{Layout, v13};

pub(super) const LAYOUT: Layout = Layout { settings: true, ..v13::LAYOUT };
