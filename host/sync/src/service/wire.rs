//! Rows as messages.

use crate::store::devices::DeviceRow;
use bitvault_proto::internal::v1::JournalHead;
use bitvault_proto::v1;
use prost_types::Timestamp;
use time::OffsetDateTime;

/// A device as it is shown. One that was told of another epoch of the journal has to begin anew: it has no place.
pub(super) fn device(row: DeviceRow, head: Option<&JournalHead>) -> v1::Device {
    let here = head.filter(|head| row.epoch == Some(head.epoch));
    let seq = row.seq.filter(|_| here.is_some());
    v1::Device {
        id: row.id.to_string(),
        name: row.name,
        platform: row.platform,
        created_at: Some(timestamp(row.created_at)),
        last_seen_at: row.last_seen_at.map(timestamp),
        seq,
        behind: seq.zip(here).map(|(seq, head)| (head.seq - seq).max(0)),
    }
}

fn timestamp(at: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: at.unix_timestamp(),
        nanos: i32::try_from(at.nanosecond()).unwrap_or_default(),
    }
}
