//! In which order a folder is listed, and where a listing in that order goes on.

use super::cursor::{self, Listing};
use super::extent::Extent;
use super::moment::Moment;
use bitvault_platform::ids::NodeId;
use bitvault_platform::{Error, Result};
use bitvault_proto::v1::NodeSort;

/// The highest character there is. A name of 255 bytes holds it at most 63 times.
const HIGHEST: &str = "\u{10ffff}";

/// By what, and which way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    by: By,
    descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Name = 0,
    UpdatedAt = 1,
    CreatedAt = 2,
    Size = 3,
}

/// What comes after a key, or before it where the listing goes downwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) key: Key,
    pub(crate) descending: bool,
}

/// What one of the orders goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// A folded name.
    Name(String),
    Updated(Moment),
    Created(Moment),
    Size(Extent),
}

/// What the orders ask of a node.
pub(crate) struct Keys<'a> {
    pub(crate) name: &'a str,
    pub(crate) updated: Moment,
    pub(crate) created: Moment,
    pub(crate) extent: Extent,
}

impl Order {
    /// As it was asked for.
    pub(crate) fn new(sort: i32, descending: bool) -> Result<Self> {
        let by = match NodeSort::try_from(sort) {
            Ok(NodeSort::Unspecified | NodeSort::Name) => By::Name,
            Ok(NodeSort::UpdatedAt) => By::UpdatedAt,
            Ok(NodeSort::CreatedAt) => By::CreatedAt,
            Ok(NodeSort::Size) => By::Size,
            Err(_) => {
                let detail = "use name, updated_at, created_at or size";
                return Err(Error::invalid_field("sort_invalid", "sort", detail));
            }
        };
        Ok(Self { by, descending })
    }

    /// Where a listing goes on; at its beginning without a cursor. A cursor of another folder or order is refused.
    pub(crate) fn place(self, folder: NodeId, text: Option<&str>) -> Result<Place> {
        let key = match text {
            Some(text) => self.read(&cursor::open(Listing::Children, folder.0, text)?)?,
            None => self.beginning(),
        };
        Ok(Place {
            key,
            descending: self.descending,
        })
    }

    /// A cursor after a node.
    pub(crate) fn after(self, folder: NodeId, last: &Keys<'_>) -> String {
        let mut place = vec![self.tag()];
        match self.by {
            By::Name => place.extend_from_slice(last.name.as_bytes()),
            By::UpdatedAt => place.extend(last.updated.bytes()),
            By::CreatedAt => place.extend(last.created.bytes()),
            By::Size => place.extend(last.extent.bytes()),
        }
        cursor::seal(Listing::Children, folder.0, &place)
    }

    /// What [`after`](Self::after) wrote.
    fn read(self, bytes: &[u8]) -> Result<Key> {
        let (order, place) = bytes.split_first().ok_or_else(cursor::refused)?;
        if *order != self.tag() {
            return Err(cursor::refused());
        }
        Ok(match self.by {
            By::Name => Key::Name(cursor::name_at(place)?),
            By::UpdatedAt => Key::Updated(Moment::read(place)?),
            By::CreatedAt => Key::Created(Moment::read(place)?),
            By::Size => Key::Size(Extent::read(place)?),
        })
    }

    /// What everything comes after.
    fn beginning(self) -> Key {
        let (name, moment, extent) = if self.descending {
            (HIGHEST.repeat(64), Moment::LAST, Extent::LAST)
        } else {
            (String::new(), Moment::FIRST, Extent::FIRST)
        };
        match self.by {
            By::Name => Key::Name(name),
            By::UpdatedAt => Key::Updated(moment),
            By::CreatedAt => Key::Created(moment),
            By::Size => Key::Size(extent),
        }
    }

    fn tag(self) -> u8 {
        2 * self.by as u8 + u8::from(self.descending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_cursor_is_good_for_its_folder_and_order_only() {
        let (folder, other) = (NodeId::new(), NodeId::new());
        let (updated, created) = (datetime!(2026-11-24 20:00 UTC), datetime!(2025-01-01 0:00 UTC));
        let keys = Keys {
            name: "straße",
            updated: Moment {
                at: updated,
                id: other,
            },
            created: Moment {
                at: created,
                id: other,
            },
            extent: Extent {
                size: 1 << 40,
                id: other,
            },
        };
        let orders = [
            NodeSort::Name,
            NodeSort::UpdatedAt,
            NodeSort::CreatedAt,
            NodeSort::Size,
        ]
        .into_iter()
        .flat_map(|sort| [false, true].map(|down| Order::new(sort.into(), down).unwrap()));
        let orders: Vec<Order> = orders.collect();
        for order in &orders {
            let cursor = order.after(folder, &keys);
            let place = order.place(folder, Some(&cursor)).unwrap();
            let key = match order.by {
                By::Name => Key::Name("straße".to_owned()),
                By::UpdatedAt => Key::Updated(keys.updated),
                By::CreatedAt => Key::Created(keys.created),
                By::Size => Key::Size(keys.extent),
            };
            assert_eq!((place.key, place.descending), (key, order.descending));
            assert!(order.place(other, Some(&cursor)).is_err());
            for wrong in orders.iter().filter(|wrong| *wrong != order) {
                let refused = wrong.place(folder, Some(&cursor)).unwrap_err();
                assert_eq!(refused.reason(), "cursor_invalid");
            }
        }
    }

    #[test]
    fn a_listing_backwards_begins_after_every_name() {
        let order = Order::new(NodeSort::Name.into(), true).unwrap();
        let Key::Name(last) = order.place(NodeId::new(), None).unwrap().key else {
            panic!("another order");
        };
        assert!(HIGHEST.repeat(63) < last && *"z" < *last);
        assert_eq!(Order::new(9, false).unwrap_err().reason(), "sort_invalid");
    }
}
