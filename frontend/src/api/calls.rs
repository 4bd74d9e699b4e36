use std::cell::RefCell;
use std::rc::Rc;

use bitvault_api::{
    AcceptInvitation, CommitUpload, Conflict, Content, CreateFolder, CreateSession, LookupInvitation, Me,
    Member, Node, NodeKind, OfferedInvitation, Page, PartWanted, Parts, RefreshSession, ResolveConflict,
    Session, SharedNode, StartUpload, Trace, TraceSummary, Upload, WantedParts,
};
use futures::FutureExt;
use futures::future::{LocalBoxFuture, Shared};
use leptos::prelude::{RwSignal, Set};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ApiError;
use super::http::{self, Call};
use super::session::{self, Tokens};
use crate::browser::storage::Keep;

/// What is escaped in one segment of a path or in a query value.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'/')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?');

/// Conflicts that are listed at most.
const CONFLICTS_MAX: usize = 1000;

type Refresh = Shared<LocalBoxFuture<'static, Result<String, ApiError>>>;

/// The API as the signed-in person sees it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    /// Whether somebody is signed in: false sends the person to the sign-in page.
    signed_in: RwSignal<bool>,
    refresh: Rc<RefCell<Option<Refresh>>>,
}

impl Api {
    /// Takes up the session that is kept, if any.
    pub(crate) fn new() -> Self {
        Self {
            signed_in: RwSignal::new(session::load().is_some()),
            refresh: Rc::default(),
        }
    }

    /// Whether somebody is signed in, to be watched.
    pub(crate) fn signed_in(&self) -> RwSignal<bool> {
        self.signed_in
    }

    pub(crate) async fn sign_in(&self, request: &CreateSession, stay: bool) -> Result<(), ApiError> {
        let call = post("/v1/sessions", request);
        self.open(&call, if stay { Keep::Always } else { Keep::Tab })
            .await
    }

    /// Begins the session that a call answers, in the place of one that is kept.
    async fn open(&self, call: &Call, keep: Keep) -> Result<(), ApiError> {
        let opened: Session = parse(http::send(call, None).await?)?;
        session::clear();
        session::store(&Tokens::from(&opened), keep);
        self.signed_in.set(true);
        Ok(())
    }

    /// What an invitation offers, to who holds its token.
    pub(crate) async fn lookup_invitation(&self, token: &str) -> Result<OfferedInvitation, ApiError> {
        let body = LookupInvitation {
            token: token.to_owned(),
        };
        parse(http::send(&post("/v1/invitations/lookup", &body), None).await?)
    }

    /// Accepts an invitation and signs in, for this tab.
    pub(crate) async fn accept_invitation(&self, request: &AcceptInvitation) -> Result<(), ApiError> {
        let call = post("/v1/invitations/accept", request);
        self.open(&call, Keep::Tab).await
    }

    /// The folder that was shared with the person last, if there is one.
    pub(crate) async fn first_shared(&self) -> Option<String> {
        let shared: Page<SharedNode> = self.call(get("/v1/shared".to_owned())).await.ok()?;
        let mut folders = shared.items.into_iter().map(|item| item.node);
        folders
            .find(|node| node.kind == NodeKind::Folder)
            .map(|node| node.id)
    }

    /// Ends the session here in any case, and on the server if it can be reached.
    pub(crate) async fn sign_out(&self) {
        let ended = session::load();
        session::clear();
        self.signed_in.set(false);
        if let Some((tokens, _)) = ended {
            // The tokens end by themselves; there is nobody left to tell.
            let _ = http::send(&delete("/v1/sessions/current"), Some(&tokens.access_token)).await;
        }
    }

    pub(crate) async fn me(&self) -> Result<Me, ApiError> {
        self.call(get("/v1/me".to_owned())).await
    }

    pub(crate) async fn node(&self, id: &str) -> Result<Node, ApiError> {
        self.call(get(format!("/v1/nodes/{}", escape(id)))).await
    }

    pub(crate) async fn children(
        &self,
        id: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Node>, ApiError> {
        let cursor = cursor
            .map(|cursor| format!("&cursor={}", escape(cursor)))
            .unwrap_or_default();
        self.call(get(format!(
            "/v1/nodes/{}/children?limit={limit}{cursor}",
            escape(id)
        )))
        .await
    }

    /// The child of that name, in whatever case it is written: names that differ only in case meet on the server too.
    pub(crate) async fn child_named(&self, id: &str, name: &str) -> Result<Option<Node>, ApiError> {
        let wanted = name.to_lowercase();
        let mut cursor = None;
        loop {
            let page = self
                .children(id, cursor.as_deref(), bitvault_api::limits::PAGE_ITEMS_MAX)
                .await?;
            if let Some(found) = page
                .items
                .into_iter()
                .find(|node| node.name.to_lowercase() == wanted)
            {
                return Ok(Some(found));
            }
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(None),
            }
        }
    }

    pub(crate) async fn create_folder(&self, parent_id: &str, name: &str) -> Result<Node, ApiError> {
        let body = CreateFolder {
            parent_id: parent_id.to_owned(),
            name: name.to_owned(),
        };
        self.call(post("/v1/folders", &body)).await
    }

    /// Moves a node to the trash, if it is still as it was seen.
    pub(crate) async fn delete(&self, node: &Node) -> Result<(), ApiError> {
        let mut call = delete(&format!("/v1/nodes/{}", escape(&node.id)));
        call.if_match = Some(node.revision);
        self.send(call).await.map(drop)
    }

    /// Where to read a file's bytes.
    pub(crate) async fn content(&self, id: &str) -> Result<Content, ApiError> {
        self.call(get(format!(
            "/v1/nodes/{}/content?redirect=false&attachment=true",
            escape(id)
        )))
        .await
    }

    /// A file's bytes, straight from the store.
    pub(crate) async fn bytes(&self, node: &Node) -> Result<Vec<u8>, ApiError> {
        let version = node.version_id.as_deref().map(escape);
        let version = version.map(|id| format!("&version_id={id}")).unwrap_or_default();
        let content: Content = self
            .call(get(format!(
                "/v1/nodes/{}/content?redirect=false{version}",
                escape(&node.id)
            )))
            .await?;
        http::bytes(&content.url).await
    }

    /// The open conflicts, the newest first.
    pub(crate) async fn conflicts(&self) -> Result<Vec<Conflict>, ApiError> {
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let after = cursor.map(|cursor: String| format!("?cursor={}", escape(&cursor)));
            let path = format!("/v1/conflicts{}", after.unwrap_or_default());
            let page: Page<Conflict> = self.call(get(path)).await?;
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() || all.len() >= CONFLICTS_MAX {
                return Ok(all);
            }
        }
    }

    pub(crate) async fn conflict(&self, id: &str) -> Result<Conflict, ApiError> {
        self.call(get(format!("/v1/conflicts/{}", escape(id)))).await
    }

    /// Settles a conflict, if both files are still as they were seen.
    pub(crate) async fn resolve_conflict(
        &self,
        conflict: &Conflict,
        keep: bitvault_api::Keep,
    ) -> Result<Conflict, ApiError> {
        let path = format!("/v1/conflicts/{}/resolve", escape(&conflict.id));
        let mut call = post(&path, &ResolveConflict { keep });
        call.if_match = Some(conflict.revision);
        self.call(call).await
    }

    /// Who belongs to the organisation; guests see themselves only. The first thousand.
    pub(crate) async fn members(&self) -> Result<Vec<Member>, ApiError> {
        let page: Page<Member> = self.call(get("/v1/members?limit=1000".to_owned())).await?;
        Ok(page.items)
    }

    pub(crate) async fn start_upload(&self, request: &StartUpload) -> Result<Upload, ApiError> {
        self.call(post("/v1/uploads", request)).await
    }

    pub(crate) async fn presign_part(
        &self,
        upload_id: &str,
        number: u32,
        sha256: Option<String>,
    ) -> Result<Parts, ApiError> {
        let body = WantedParts {
            parts: vec![PartWanted { number, sha256 }],
        };
        self.call(post(&format!("/v1/uploads/{}/parts", escape(upload_id)), &body))
            .await
    }

    pub(crate) async fn commit_upload(
        &self,
        upload_id: &str,
        request: &CommitUpload,
    ) -> Result<Node, ApiError> {
        self.call(post(
            &format!("/v1/uploads/{}/commit", escape(upload_id)),
            request,
        ))
        .await
    }

    pub(crate) async fn abort_upload(&self, upload_id: &str) -> Result<(), ApiError> {
        self.send(delete(&format!("/v1/uploads/{}", escape(upload_id))))
            .await
            .map(drop)
    }

    pub(crate) async fn traces(&self, limit: u32) -> Result<Page<TraceSummary>, ApiError> {
        self.call(get(format!("/v1/admin/traces?limit={limit}"))).await
    }

    pub(crate) async fn trace(&self, trace_id: &str) -> Result<Trace, ApiError> {
        self.call(get(format!("/v1/admin/traces/{}", escape(trace_id))))
            .await
    }

    async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, ApiError> {
        parse(self.send(call).await?)
    }

    /// Sends with the access token; when it has ended, refreshes it and sends once more.
    async fn send(&self, call: Call) -> Result<(u16, String), ApiError> {
        let Some((tokens, _)) = session::load() else {
            self.signed_in.set(false);
            return Err(ApiError::Odd { status: 401 });
        };
        let answer = http::send(&call, Some(&tokens.access_token)).await?;
        if answer.0 != 401 {
            return check(answer);
        }
        let token = self.refresh(tokens.access_token).await?;
        check(http::send(&call, Some(&token)).await?)
    }

    /// One refresh at a time: whoever comes while one is under way waits for its outcome.
    async fn refresh(&self, ended: String) -> Result<String, ApiError> {
        let running = self.refresh.borrow().clone();
        if let Some(running) = running {
            return running.await;
        }
        let signed_in = self.signed_in;
        let shared = refresh_once(ended, signed_in).boxed_local().shared();
        *self.refresh.borrow_mut() = Some(shared.clone());
        let outcome = shared.await;
        *self.refresh.borrow_mut() = None;
        outcome
    }
}

async fn refresh_once(ended: String, signed_in: RwSignal<bool>) -> Result<String, ApiError> {
    let Some((tokens, keep)) = session::load() else {
        signed_in.set(false);
        return Err(ApiError::Odd { status: 401 });
    };
    // Another tab, or a call that came a moment earlier, has refreshed it already.
    if tokens.access_token != ended {
        return Ok(tokens.access_token);
    }
    let request = RefreshSession {
        refresh_token: tokens.refresh_token.clone(),
    };
    let answer = http::send(&post("/v1/sessions/refresh", &request), None).await?;
    let refused = matches!(answer.0, 400..=403);
    match parse::<Session>(answer) {
        Ok(opened) => {
            session::store(&Tokens::from(&opened), keep);
            Ok(opened.access_token)
        }
        Err(error) if refused => {
            // A refresh token is good once: another tab may have been faster between our reading and sending it.
            match session::load() {
                Some((newer, _)) if newer != tokens => Ok(newer.access_token),
                _ => {
                    session::clear();
                    signed_in.set(false);
                    Err(error)
                }
            }
        }
        Err(error) => Err(error),
    }
}

fn get(path: String) -> Call {
    Call {
        method: "GET",
        path,
        ..Call::default()
    }
}

fn delete(path: &str) -> Call {
    Call {
        method: "DELETE",
        path: path.to_owned(),
        ..Call::default()
    }
}

fn post(path: &str, body: &impl Serialize) -> Call {
    // The contract's types have string keys only and always serialise.
    let body = serde_json::to_string(body).ok();
    Call {
        method: "POST",
        path: path.to_owned(),
        body,
        ..Call::default()
    }
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

fn check(answer: (u16, String)) -> Result<(u16, String), ApiError> {
    match answer.0 {
        200..=299 => Ok(answer),
        status => Err(ApiError::read(status, &answer.1)),
    }
}

fn parse<T: DeserializeOwned>(answer: (u16, String)) -> Result<T, ApiError> {
    let (status, body) = check(answer)?;
    serde_json::from_str(&body).map_err(|_| ApiError::Odd { status })
}
