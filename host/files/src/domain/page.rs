//! How many items a page holds.

use bitvault_api::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use bitvault_platform::{Error, Result};

/// Items of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageSize(u32);

impl PageSize {
    /// `wanted`, 0 for the default; refuses more than a page may hold.
    pub(crate) fn new(wanted: u32) -> Result<Self> {
        match wanted {
            0 => Ok(Self(PAGE_ITEMS_DEFAULT)),
            wanted if wanted <= PAGE_ITEMS_MAX => Ok(Self(wanted)),
            _ => {
                let detail = format!("use 1 to {PAGE_ITEMS_MAX}");
                Err(Error::invalid_field("limit_invalid", "limit", detail))
            }
        }
    }

    /// The items.
    pub(crate) fn items(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Rows to ask for: one more tells whether there is a next page.
    pub(crate) fn rows(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// Cuts what was found down to the page; the last item when there is a next page.
    pub(crate) fn cut<T>(self, found: &mut Vec<T>) -> Option<&T> {
        let size = self.items();
        let more = found.len() > size;
        found.truncate(size);
        found.last().filter(|_| more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_and_tells_whether_another_follows() {
        let page = PageSize::new(2).unwrap();
        assert_eq!(page.rows(), 3);
        let (mut three, mut two) = (vec![1, 2, 3], vec![1, 2]);
        assert_eq!(page.cut(&mut three), Some(&2));
        assert_eq!(three, [1, 2]);
        assert_eq!(page.cut(&mut two), None);
        assert!(PageSize::new(PAGE_ITEMS_MAX).is_ok());
        assert_eq!(
            PageSize::new(PAGE_ITEMS_MAX + 1).unwrap_err().reason(),
            "limit_invalid"
        );
    }
}
