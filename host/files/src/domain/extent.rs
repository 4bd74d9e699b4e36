//! Where a listing by size goes on.

use super::cursor;
use bitvault_platform::Result;
use bitvault_platform::ids::NodeId;
use uuid::Uuid;

/// A place in a listing by size; of the same size, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Bytes. Folders count as empty.
    pub(crate) size: i64,
    pub(crate) id: NodeId,
}

impl Extent {
    /// Smaller than everything.
    pub(crate) const FIRST: Self = Self {
        size: -1,
        id: NodeId(Uuid::nil()),
    };
    /// Larger than everything.
    pub(crate) const LAST: Self = Self {
        size: i64::MAX,
        id: NodeId(Uuid::max()),
    };

    /// As it stands in a cursor.
    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        bytes.extend_from_slice(self.id.0.as_bytes());
        bytes
    }

    /// What [`bytes`](Self::bytes) wrote.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let (size, id) = bytes.split_first_chunk::<8>().ok_or_else(cursor::refused)?;
        let id = Uuid::from_slice(id).map_err(|_| cursor::refused())?;
        Ok(Self {
            size: i64::from_be_bytes(*size),
            id: NodeId(id),
        })
    }
}
