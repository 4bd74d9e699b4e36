//! Limits that both ends know. Each is documented in `docs/api.md`.

/// Longest name of a node, in bytes of UTF-8.
pub const NAME_BYTES: usize = 255;
/// Most items a page of a listing holds, and the number it holds when `limit` is not given.
pub const PAGE_ITEMS_MAX: u32 = 1000;
/// Items of a page when the caller names no `limit`.
pub const PAGE_ITEMS_DEFAULT: u32 = 200;
/// Longest wait for a change that a caller may ask for, in seconds. The server may wait shorter.
pub const WAIT_S_MAX: u32 = 3600;
/// Most hits that a page of a search holds.
pub const SEARCH_ITEMS_MAX: u32 = 100;
/// Most items in one batch call.
pub const BATCH_ITEMS: usize = 500;
/// Most presigned parts in one answer.
pub const PARTS_PER_ANSWER: usize = 100;
/// Highest number of a part that can be told. A store ends its uploads sooner.
pub const PART_NUMBER_MAX: u32 = i32::MAX.unsigned_abs();
/// Largest size that can be told, in bytes. A store takes less.
pub const SIZE_BYTES_MAX: u64 = i64::MAX.unsigned_abs();
/// Largest content that may travel in one PUT, in bytes: above it an upload is always multipart, so a client need not
/// know its hash at start. A server may choose multipart for smaller content as well.
pub const SINGLE_PUT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most tags on one node.
pub const TAGS_PER_NODE: usize = 50;
/// Most fields on one node.
pub const FIELDS_PER_NODE: usize = 50;
/// Longest tag or name of a field, in bytes of UTF-8 once it is folded.
pub const LABEL_BYTES: usize = 64;
/// Longest text in a field, in bytes of UTF-8.
pub const FIELD_VALUE_BYTES: usize = 1024;
