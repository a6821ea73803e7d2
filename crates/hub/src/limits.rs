//! How much this crate takes from outside before it refuses: every bound of the crate stands here.

/// Bytes of one component of a file's name: what file systems take.
pub(crate) const FILE_NAME_BYTES: usize = 255;
/// Components of a file's path inside a repository.
pub(crate) const PATH_COMPONENTS: usize = 8;
/// Bytes of either half of a repository's name: the hub's own limit for the whole.
pub(crate) const REPO_PART_BYTES: usize = 96;
/// Bytes of a branch's or tag's name.
pub(crate) const REVISION_BYTES: usize = 200;
/// Bytes of a short name (`ministral-3:3b`) and of a quantisation's.
pub(crate) const SHORT_NAME_BYTES: usize = 64;
/// Bytes of any name that a person may give, before it is looked at.
pub(crate) const GIVEN_NAME_BYTES: usize = 512;
