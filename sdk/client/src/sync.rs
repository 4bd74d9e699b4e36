//! Devices, and what changes for the account.

use crate::call::Call;
use crate::uploads::one_each;
use crate::{Client, Result};
use bitvault_api::{BatchResults, ChangePage, CreateDevice, Device, Page, PushChanges, PushItem, PushResult};
use std::time::Duration;

/// How much longer than it waits for a change an answer may take.
const BEYOND_THE_WAIT: Duration = Duration::from_secs(30);

/// How long a push may take: the server may have to verify what was uploaded.
const PUSH_WITHIN: Duration = Duration::from_secs(600);

/// Which changes are wanted.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// `next_cursor` of the page before; absent: all that there is now.
    pub cursor: Option<String>,
    /// How long the server waits when there is nothing, in whole seconds; the server may wait shorter.
    pub wait: Duration,
    /// Most items of a page; the server's default when absent.
    pub limit: Option<u32>,
    /// The device that reads, `dev_…`.
    pub device: Option<String>,
}

impl Client {
    /// `POST /v1/devices`: makes a device of the account known.
    ///
    /// # Errors
    /// `exhausted` when the account has too many; as any call.
    pub async fn create_device(&self, device: &CreateDevice) -> Result<Device> {
        self.send(Call::post("/v1/devices", [], device)?).await
    }

    /// `GET /v1/devices`: a page of the account's devices.
    ///
    /// # Errors
    /// As any call.
    pub async fn devices(&self, cursor: Option<&str>) -> Result<Page<Device>> {
        let call = Call::get("/v1/devices", []);
        let call = match cursor {
            Some(cursor) => call.query("cursor", cursor),
            None => call,
        };
        self.send(call).await
    }

    /// `GET /v1/devices/{id}`.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn device(&self, id: &str) -> Result<Device> {
        self.send(Call::get("/v1/devices/{id}", [id])).await
    }

    /// `DELETE /v1/devices/{id}`: forgets it; its cursors are refused from then on.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn delete_device(&self, id: &str) -> Result<()> {
        self.send(Call::delete("/v1/devices/{id}", [id])).await
    }

    /// `GET /v1/changes`: what changed since a cursor. Repeating it with the same cursor is harmless.
    ///
    /// # Errors
    /// `conflict` with the reason `cursor_expired` or `epoch_changed`: read again without a cursor, and take what comes as
    /// additions only. `not_found` when the device was deleted; as any call.
    pub async fn changes(&self, wanted: &Changes) -> Result<ChangePage> {
        let wait = wanted.wait.as_secs();
        let mut call = Call::get("/v1/changes", []).answer_within(wanted.wait + BEYOND_THE_WAIT);
        let texts = [
            ("cursor", wanted.cursor.clone()),
            ("wait", (wait > 0).then(|| wait.to_string())),
            ("limit", wanted.limit.map(|limit| limit.to_string())),
            ("device_id", wanted.device.clone()),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                call = call.query(name, text);
            }
        }
        self.send(call).await
    }

    /// `POST /v1/changes`: at most [`BATCH_ITEMS`](bitvault_api::limits::BATCH_ITEMS) writes in their order; a result per
    /// item. What is refused shows what is there instead, and does not hold up the rest.
    ///
    /// # Errors
    /// `not_found` when the device was deleted; as any call, for the whole push.
    pub async fn push(&self, device_id: Option<String>, items: Vec<PushItem>) -> Result<Vec<PushResult>> {
        let count = items.len();
        let call =
            Call::post("/v1/changes", [], &PushChanges { device_id, items })?.answer_within(PUSH_WITHIN);
        let results: BatchResults<PushResult> = self.send(call).await?;
        one_each(results, count)
    }
}
