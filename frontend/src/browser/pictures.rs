//! Bytes that the browser draws as an image.

use std::rc::Rc;

use js_sys::{Array, Uint8Array};
use web_sys::{Blob, BlobPropertyBag, Url};

/// An image in memory, with an address as long as somebody holds it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture(Rc<Address>);

#[derive(Debug, PartialEq)]
struct Address(String);

impl Picture {
    /// An image of this media type. A browser that can't keep it draws nothing.
    pub(crate) fn new(bytes: &[u8], media_type: &str) -> Self {
        let parts = Array::of1(&Uint8Array::from(bytes));
        let options = BlobPropertyBag::new();
        options.set_type(media_type);
        let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &options);
        let url = blob.and_then(|blob| Url::create_object_url_with_blob(&blob));
        Self(Rc::new(Address(url.unwrap_or_default())))
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        self.0.0.clone()
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        // Fails only when the window is gone.
        let _ = Url::revoke_object_url(&self.0);
    }
}
