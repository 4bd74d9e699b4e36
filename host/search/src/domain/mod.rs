//! Pure rules: what words a name has, what a query asks for, what is spelled alike, and where paging goes on.

pub(crate) mod cursor;
pub(crate) mod family;
pub(crate) mod query;
pub(crate) mod spelling;
pub(crate) mod text;
