//! Presigned URLs through object_store's trait: reading and writing whole objects.

use super::Adapter;
use super::convert::{store_error, unsupported};
use async_trait::async_trait;
use bitvault_wasm::{Auth, GetOptions as Get, PutOptions as Put};
use http::Method;
use object_store::Result;
use object_store::path::Path;
use object_store::signer::Signer;
use std::time::Duration;
use url::Url;

#[async_trait]
impl Signer for Adapter {
    async fn signed_url(&self, method: Method, path: &Path, expires_in: Duration) -> Result<Url> {
        let seconds = u32::try_from(expires_in.as_secs()).unwrap_or(u32::MAX);
        let auth = Auth::Presign(seconds);
        let key = path.as_ref();
        let signed = match method {
            Method::GET => {
                self.call("plan-get", path)
                    .await?
                    .plan_get(key, &Get::none(), auth)
                    .await
            }
            Method::PUT => {
                self.call("plan-put", path)
                    .await?
                    .plan_put(key, &Put::none(), auth)
                    .await
            }
            _ => return Err(unsupported("presigning other methods than GET and PUT")),
        };
        Ok(signed.map_err(|error| store_error(key, error))?.url)
    }
}
