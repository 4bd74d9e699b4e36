//! The functions of the storage interface, and the options that they take.

use super::Call;
use crate::bindings::bitvault::plugin::types::{Error as GuestError, Response};
use crate::bindings::exports::bitvault::plugin::storage::{
    Auth, Capabilities, GetOptions, Object, Page, Part, Pending, Plan, PutOptions,
};
use crate::egress::sign::Signed;
use crate::error::Error;
use crate::meter::metered;
use std::sync::Arc;
use tracing::Instrument as _;

/// Calls a function of the storage interface: `call!(self, call_head, &key)`.
macro_rules! call {
    ($self:ident, $function:ident $(, $argument:expr)*) => {{
        let Some(guest) = &$self.guest else { return Err($self.gone()) };
        let meter = Arc::clone(&$self.store.data().meter);
        let future = guest.bitvault_plugin_storage().$function(&mut $self.store $(, $argument)*);
        let outcome = tokio::time::timeout_at($self.deadline, metered($self.loaded.component.engine(), &meter, future))
            .instrument($self.span.clone())
            .await;
        $self.settle(outcome)
    }};
}

impl Call {
    /// See `get-capabilities` of the contract.
    pub async fn capabilities(&mut self) -> Result<Capabilities, Error> {
        let Some(guest) = &self.guest else {
            return Err(self.gone());
        };
        let meter = Arc::clone(&self.store.data().meter);
        let future = guest
            .bitvault_plugin_storage()
            .call_get_capabilities(&mut self.store);
        let outcome = tokio::time::timeout_at(
            self.deadline,
            metered(self.loaded.component.engine(), &meter, future),
        )
        .await;
        self.settle_crash(outcome)
    }

    /// See `create-container` of the contract.
    pub async fn create_container(&mut self) -> Result<(), Error> {
        call!(self, call_create_container)
    }

    /// Plans a GET, checks it against the grant and signs it.
    pub async fn plan_get(&mut self, key: &str, options: &GetOptions, auth: Auth) -> Result<Signed, Error> {
        let plan = call!(self, call_plan_get, key, options, auth)?;
        self.sign(plan, auth)
    }

    /// Plans a PUT, checks it against the grant and signs it.
    pub async fn plan_put(&mut self, key: &str, options: &PutOptions, auth: Auth) -> Result<Signed, Error> {
        let plan = call!(self, call_plan_put, key, options, auth)?;
        self.sign(plan, auth)
    }

    /// Plans the PUT of a part, checks it against the grant and signs it.
    pub async fn plan_part(
        &mut self,
        key: &str,
        upload: &str,
        number: u32,
        len: u64,
        sha256: Option<&[u8]>,
        auth: Auth,
    ) -> Result<Signed, Error> {
        let plan = call!(self, call_plan_part, key, upload, number, len, sha256, auth)?;
        self.sign(plan, auth)
    }

    /// See `parse-put` of the contract.
    pub async fn parse_put(&mut self, key: &str, len: u64, response: &Response) -> Result<Object, Error> {
        call!(self, call_parse_put, key, len, response)
    }

    /// See `parse-part` of the contract.
    pub async fn parse_part(&mut self, number: u32, len: u64, response: &Response) -> Result<Part, Error> {
        call!(self, call_parse_part, number, len, response)
    }

    /// See `parse-get` of the contract.
    pub async fn parse_get(&mut self, key: &str, response: &Response) -> Result<Object, Error> {
        call!(self, call_parse_get, key, response)
    }

    /// See `head` of the contract.
    pub async fn head(&mut self, key: &str) -> Result<Object, Error> {
        call!(self, call_head, key)
    }

    /// See `delete` of the contract.
    pub async fn delete(&mut self, keys: &[String]) -> Result<Vec<(String, GuestError)>, Error> {
        call!(self, call_delete, keys)
    }

    /// See `list-objects` of the contract.
    pub async fn list_objects(
        &mut self,
        prefix: &str,
        delimiter: Option<&str>,
        start_after: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, Error> {
        call!(
            self,
            call_list_objects,
            prefix,
            delimiter,
            start_after,
            cursor,
            limit
        )
    }

    /// See `copy` of the contract.
    pub async fn copy(&mut self, source: &str, target: &str, if_none_match: bool) -> Result<Object, Error> {
        call!(self, call_copy, source, target, if_none_match)
    }

    /// See `begin-upload` of the contract.
    pub async fn begin_upload(
        &mut self,
        key: &str,
        options: &PutOptions,
        part_sha256: bool,
    ) -> Result<String, Error> {
        call!(self, call_begin_upload, key, options, part_sha256)
    }

    /// See `copy-part` of the contract.
    pub async fn copy_part(
        &mut self,
        source: &str,
        range: (u64, u64),
        key: &str,
        upload: &str,
        number: u32,
    ) -> Result<Part, Error> {
        call!(self, call_copy_part, source, range, key, upload, number)
    }

    /// See `list-parts` of the contract.
    pub async fn list_parts(&mut self, key: &str, upload: &str) -> Result<Vec<Part>, Error> {
        call!(self, call_list_parts, key, upload)
    }

    /// See `list-uploads` of the contract.
    pub async fn list_uploads(&mut self, prefix: &str) -> Result<Vec<Pending>, Error> {
        call!(self, call_list_uploads, prefix)
    }

    /// See `finish-upload` of the contract.
    pub async fn finish_upload(&mut self, key: &str, upload: &str, parts: &[Part]) -> Result<Object, Error> {
        call!(self, call_finish_upload, key, upload, parts)
    }

    /// See `abort-upload` of the contract.
    pub async fn abort_upload(&mut self, key: &str, upload: &str) -> Result<(), Error> {
        call!(self, call_abort_upload, key, upload)
    }

    fn sign(&self, plan: Plan, asked: Auth) -> Result<Signed, Error> {
        let same = match (plan.auth, asked) {
            (Auth::Header, Auth::Header) => true,
            (Auth::Presign(planned), Auth::Presign(asked)) => planned == asked,
            _ => false,
        };
        let signed = if same {
            self.loaded.egress.sign_plan(&plan.request, asked)
        } else {
            Err("it planned another authentication than it was asked for".to_owned())
        };
        signed.map_err(|reason| Error::Refused {
            plugin: self.plugin(),
            reason,
        })
    }
}

impl PutOptions {
    /// Nothing bound, nothing given.
    pub fn none() -> Self {
        Self {
            content_type: None,
            len: None,
            sha256: None,
            if_none_match: false,
            if_match: None,
            meta: Vec::new(),
        }
    }
}

impl GetOptions {
    /// The whole object, unconditionally.
    pub fn none() -> Self {
        Self {
            range: None,
            content_type: None,
            content_disposition: None,
            if_match: None,
            if_none_match: None,
            if_modified_since: None,
            if_unmodified_since: None,
        }
    }
}
