//! Placeholder so that the workspace loads.
