//! In which order a folder is listed, and where a listing in that order goes on.

use super::cursor::{self, Listing};
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
}

/// A place in a listing, with the order that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Folded names from here on.
    NameAfter(String),
    /// The same backwards.
    NameBefore(String),
    UpdatedAfter(Moment),
    UpdatedBefore(Moment),
    CreatedAfter(Moment),
    CreatedBefore(Moment),
}

/// What the orders ask of a node.
pub(crate) struct Keys<'a> {
    pub(crate) name_key: &'a str,
    pub(crate) updated: Moment,
    pub(crate) created: Moment,
}

impl Order {
    /// As it was asked for.
    pub(crate) fn new(sort: i32, descending: bool) -> Result<Self> {
        let by = match NodeSort::try_from(sort) {
            Ok(NodeSort::Unspecified | NodeSort::Name) => By::Name,
            Ok(NodeSort::UpdatedAt) => By::UpdatedAt,
            Ok(NodeSort::CreatedAt) => By::CreatedAt,
            Err(_) => {
                let detail = "use name, updated_at or created_at";
                return Err(Error::invalid_field("sort_invalid", "sort", detail));
            }
        };
        Ok(Self { by, descending })
    }

    /// Where a listing goes on; at its beginning without a cursor. A cursor of another folder or order is refused.
    pub(crate) fn place(self, folder: NodeId, text: Option<&str>) -> Result<Place> {
        let Some(text) = text else {
            let first = if self.descending {
                Moment::LAST
            } else {
                Moment::FIRST
            };
            let name = if self.descending {
                HIGHEST.repeat(64)
            } else {
                String::new()
            };
            return Ok(self.at(name, first));
        };
        let bytes = cursor::open(Listing::Children, folder.0, text)?;
        let (order, place) = bytes.split_first().ok_or_else(cursor::refused)?;
        if *order != self.tag() {
            return Err(cursor::refused());
        }
        Ok(match self.by {
            By::Name => self.at(cursor::name_at(place)?, Moment::FIRST),
            By::UpdatedAt | By::CreatedAt => self.at(String::new(), Moment::read(place)?),
        })
    }

    /// A cursor after a node.
    pub(crate) fn after(self, folder: NodeId, last: &Keys<'_>) -> String {
        let mut place = vec![self.tag()];
        match self.by {
            By::Name => place.extend_from_slice(last.name_key.as_bytes()),
            By::UpdatedAt => place.extend(last.updated.bytes()),
            By::CreatedAt => place.extend(last.created.bytes()),
        }
        cursor::seal(Listing::Children, folder.0, &place)
    }

    fn at(self, name: String, moment: Moment) -> Place {
        match (self.by, self.descending) {
            (By::Name, false) => Place::NameAfter(name),
            (By::Name, true) => Place::NameBefore(name),
            (By::UpdatedAt, false) => Place::UpdatedAfter(moment),
            (By::UpdatedAt, true) => Place::UpdatedBefore(moment),
            (By::CreatedAt, false) => Place::CreatedAfter(moment),
            (By::CreatedAt, true) => Place::CreatedBefore(moment),
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
            name_key: "straße",
            updated: Moment {
                at: updated,
                id: other,
            },
            created: Moment {
                at: created,
                id: other,
            },
        };
        let orders = [NodeSort::Name, NodeSort::UpdatedAt, NodeSort::CreatedAt]
            .into_iter()
            .flat_map(|sort| [false, true].map(|down| Order::new(sort.into(), down).unwrap()));
        let orders: Vec<Order> = orders.collect();
        for order in &orders {
            let cursor = order.after(folder, &keys);
            let place = order.place(folder, Some(&cursor)).unwrap();
            assert_eq!(
                place,
                order.at(
                    "straße".to_owned(),
                    match order.by {
                        By::UpdatedAt => keys.updated,
                        By::Name | By::CreatedAt => keys.created,
                    }
                )
            );
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
        let Place::NameBefore(last) = order.place(NodeId::new(), None).unwrap() else {
            panic!("another order");
        };
        assert!(HIGHEST.repeat(63) < last && *"z" < *last);
        assert_eq!(Order::new(9, false).unwrap_err().reason(), "sort_invalid");
    }
}
