//! Who may do what: grants, groups and spaces.

use crate::call::Call;
use crate::{Client, Error, Result};
use bitvault_api::{
    CreateSpace, Grant, Grants, Group, GroupMember, NameGroup, Page, PutGrant, SetInheritance, SharedNode,
    Space, UpdateSpace, limits,
};
use serde::de::DeserializeOwned;

impl Client {
    /// `GET /v1/nodes/{id}/grants`: everybody who has access by a grant.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn grants(&self, id: &str) -> Result<Grants> {
        self.send(Call::get("/v1/nodes/{id}/grants", [id])).await
    }

    /// `PUT /v1/nodes/{id}/grants`: gives a role.
    ///
    /// # Errors
    /// `denied` for who is no owner, `not_found`; as any call.
    pub async fn put_grant(&self, id: &str, grant: &PutGrant) -> Result<Grant> {
        self.send(Call::put("/v1/nodes/{id}/grants", [id], grant)?).await
    }

    /// `DELETE /v1/nodes/{id}/grants/{subject_id}`: takes a role back.
    ///
    /// # Errors
    /// `not_found` when there is none on the node itself; as any call.
    pub async fn delete_grant(&self, id: &str, subject_id: &str) -> Result<()> {
        self.send(Call::delete(
            "/v1/nodes/{id}/grants/{subject_id}",
            [id, subject_id],
        ))
        .await
    }

    /// `PUT /v1/nodes/{id}/inheritance`: whether roles given above count on a node.
    ///
    /// # Errors
    /// `denied` for who is no owner; as any call.
    pub async fn set_inheritance(&self, id: &str, inherits: bool) -> Result<Grants> {
        let body = SetInheritance { inherits };
        self.send(Call::put("/v1/nodes/{id}/inheritance", [id], &body)?)
            .await
    }

    /// `GET /v1/shared`: all that others have shared with the caller, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn shared(&self) -> Result<Vec<SharedNode>> {
        self.all_pages(|| Call::get("/v1/shared", [])).await
    }

    /// `GET /v1/groups`: every group that the caller may see, by name.
    ///
    /// # Errors
    /// As any call.
    pub async fn groups(&self) -> Result<Vec<Group>> {
        self.all_pages(|| Call::get("/v1/groups", [])).await
    }

    /// `POST /v1/groups`.
    ///
    /// # Errors
    /// `denied` for who does not run the tenant, `conflict` when the name is taken; as any call.
    pub async fn create_group(&self, name: &str) -> Result<Group> {
        let body = NameGroup {
            name: name.to_owned(),
        };
        self.send(Call::post("/v1/groups", [], &body)?).await
    }

    /// `PATCH /v1/groups/{id}`: another name.
    ///
    /// # Errors
    /// As [`create_group`](Self::create_group).
    pub async fn rename_group(&self, id: &str, name: &str) -> Result<Group> {
        let body = NameGroup {
            name: name.to_owned(),
        };
        self.send(Call::patch("/v1/groups/{id}", [id], &body)?).await
    }

    /// `DELETE /v1/groups/{id}`.
    ///
    /// # Errors
    /// `conflict` while a space belongs to it; as any call.
    pub async fn delete_group(&self, id: &str) -> Result<()> {
        self.send(Call::delete("/v1/groups/{id}", [id])).await
    }

    /// `GET /v1/groups/{id}/members`: everybody in a group.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn group_members(&self, id: &str) -> Result<Vec<GroupMember>> {
        self.all_pages(|| Call::get("/v1/groups/{id}/members", [id]))
            .await
    }

    /// `PUT /v1/groups/{id}/members/{account_id}`.
    ///
    /// # Errors
    /// `denied` for who does not run the tenant; as any call.
    pub async fn add_to_group(&self, id: &str, account_id: &str) -> Result<GroupMember> {
        let route = "/v1/groups/{id}/members/{account_id}";
        self.send(Call::put(route, [id, account_id], &())?).await
    }

    /// `DELETE /v1/groups/{id}/members/{account_id}`.
    ///
    /// # Errors
    /// `not_found` when it is not in the group; as any call.
    pub async fn remove_from_group(&self, id: &str, account_id: &str) -> Result<()> {
        let route = "/v1/groups/{id}/members/{account_id}";
        self.send(Call::delete(route, [id, account_id])).await
    }

    /// `GET /v1/spaces`: every space that the caller may see, or all of the tenant, by name.
    ///
    /// # Errors
    /// `denied` when all are asked for by who does not run the tenant; as any call.
    pub async fn spaces(&self, all: bool) -> Result<Vec<Space>> {
        self.all_pages(|| {
            let call = Call::get("/v1/spaces", []);
            if all { call.query("all", "true") } else { call }
        })
        .await
    }

    /// `POST /v1/spaces`.
    ///
    /// # Errors
    /// `denied` for who does not run the tenant, `conflict` when the name is taken; as any call.
    pub async fn create_space(&self, space: &CreateSpace) -> Result<Space> {
        self.send(Call::post("/v1/spaces", [], space)?).await
    }

    /// `PATCH /v1/spaces/{id}`: another name, another group.
    ///
    /// # Errors
    /// As [`create_space`](Self::create_space).
    pub async fn update_space(&self, id: &str, change: &UpdateSpace) -> Result<Space> {
        self.send(Call::patch("/v1/spaces/{id}", [id], change)?).await
    }

    /// `DELETE /v1/spaces/{id}`: one that holds nothing.
    ///
    /// # Errors
    /// `conflict` while it holds something; as any call.
    pub async fn delete_space(&self, id: &str) -> Result<()> {
        self.send(Call::delete("/v1/spaces/{id}", [id])).await
    }

    /// The folder that a path begins at: a node's id as it is, or the space with that name.
    pub(crate) async fn top(&self, below: &str) -> Result<String> {
        if below.starts_with("nod_") {
            return Ok(below.to_owned());
        }
        let found = self
            .spaces(false)
            .await?
            .into_iter()
            .find(|space| space.node.name == below);
        found
            .map(|space| space.node.id)
            .ok_or_else(|| Error::NoSpace(below.to_owned()))
    }

    /// Every item of a listing, read page by page.
    pub(crate) async fn all_pages<'a, T: DeserializeOwned>(
        &self,
        call: impl Fn() -> Call<'a>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut page = call().query("limit", limits::PAGE_ITEMS_MAX.to_string());
            if let Some(cursor) = &cursor {
                page = page.query("cursor", cursor.as_str());
            }
            let page: Page<T> = self.send(page).await?;
            all.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }
}
