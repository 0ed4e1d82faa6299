//! Bounds against files that are hostile, or that no person would mend line by line.

/// How deep lists and maps may be nested, aliases expanded.
pub const DEPTH_LIMIT: usize = 255;

/// How many values aliases may add to a file; a long text counts for several.
pub const EXPANSION_LIMIT: usize = 100_000;

/// How many findings one file may have: beyond, it is no file that a person would mend line by line.
pub(super) const FINDING_LIMIT: usize = 1_000;
