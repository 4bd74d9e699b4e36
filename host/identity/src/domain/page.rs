use bitvault_api::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use bitvault_platform::Error;
use uuid::Uuid;

/// Which part of a listing in the order of ids is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// Most items.
    pub(crate) limit: u32,
    /// Only what comes after this one.
    pub(crate) after: Uuid,
}

impl Page {
    /// A cursor is the last id that was shown. It is not authenticated: all that a made-up one can choose is a place
    /// within a listing that the caller may read.
    pub(crate) fn new(limit: u32, cursor: Option<&str>) -> Result<Self, Error> {
        let limit = match limit {
            0 => PAGE_ITEMS_DEFAULT,
            1..=PAGE_ITEMS_MAX => limit,
            _ => {
                return Err(Error::invalid_field(
                    "limit_invalid",
                    "limit",
                    format!("use 1 to {PAGE_ITEMS_MAX}"),
                ));
            }
        };
        let after = match cursor {
            None => Uuid::nil(),
            Some(text) if text.len() == 32 => Uuid::try_parse(text).map_err(|_| refused())?,
            Some(_) => return Err(refused()),
        };
        Ok(Self { limit, after })
    }

    /// Rows to read: one more than is shown tells whether there are more.
    pub(crate) fn rows(self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Cuts rows to the page and answers the cursor of the next one.
    pub(crate) fn cut<T>(self, rows: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        if rows.len() <= limit {
            return None;
        }
        rows.truncate(limit);
        rows.last().map(|last| id(last).simple().to_string())
    }
}

fn refused() -> Error {
    Error::invalid_field("cursor_invalid", "cursor", "list again from the beginning")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_goes_on_after_the_last_id_that_was_shown() {
        let ids = [1_u128, 2, 3].map(Uuid::from_u128);
        let page = Page::new(2, None).unwrap();
        let mut rows = ids.to_vec();
        let cursor = page.cut(&mut rows, |id| *id).unwrap();
        assert_eq!(rows, ids[..2]);
        let next = Page::new(2, Some(&cursor)).unwrap();
        assert_eq!(next.after, ids[1]);
        assert_eq!(next.cut(&mut ids[2..].to_vec(), |id| *id), None);
    }

    #[test]
    fn what_is_no_cursor_and_no_limit_is_refused() {
        for text in ["", "x", "0190c7c1-e2a8-7b3c-9d00-000000000000", &"z".repeat(32)] {
            assert_eq!(Page::new(1, Some(text)).unwrap_err().reason(), "cursor_invalid");
        }
        assert_eq!(
            Page::new(PAGE_ITEMS_MAX + 1, None).unwrap_err().reason(),
            "limit_invalid"
        );
    }
}
