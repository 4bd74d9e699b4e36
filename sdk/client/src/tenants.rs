//! The tenant: members, invitations, settings; the caller's own account and personal access tokens.

use crate::call::Call;
use crate::{Client, Result};
use bitvault_api::{
    AccessToken, Account, AddMember, AddedMember, ChangePassword, CreateInvitation, CreateToken,
    CreatedInvitation, CreatedToken, Invitation, InvitedGrant, Member, Page, TenantDeletion, TenantDetails,
    UpdateMe, UpdateMember, UpdateTenant, limits,
};

impl Client {
    /// `GET /v1/members`: every member, read page by page.
    ///
    /// # Errors
    /// As any call.
    pub async fn members(&self) -> Result<Vec<Member>> {
        self.every("/v1/members").await
    }

    /// `POST /v1/members`.
    ///
    /// # Errors
    /// `denied` without the role; `conflict` for a member with another role; as any call.
    pub async fn add_member(&self, member: &AddMember) -> Result<AddedMember> {
        self.send(Call::post("/v1/members", [], member)?).await
    }

    /// `PATCH /v1/members/{account_id}`: another role.
    ///
    /// # Errors
    /// `conflict` for the last owner; `denied` without the role; as any call.
    pub async fn update_member(&self, account_id: &str, role: &str) -> Result<Member> {
        let body = UpdateMember {
            role: role.to_owned(),
        };
        self.send(Call::patch("/v1/members/{account_id}", [account_id], &body)?)
            .await
    }

    /// `DELETE /v1/members/{account_id}`.
    ///
    /// # Errors
    /// `conflict` for the last owner; `denied` without the role; as any call.
    pub async fn remove_member(&self, account_id: &str) -> Result<()> {
        self.send(Call::delete("/v1/members/{account_id}", [account_id]))
            .await
    }

    /// `POST /v1/invitations`.
    ///
    /// # Errors
    /// `denied` without the role; `conflict` for a member; as any call.
    pub async fn invite(&self, email: &str, role: &str) -> Result<CreatedInvitation> {
        let body = CreateInvitation {
            email: email.to_owned(),
            role: Some(role.to_owned()),
            grants: Vec::new(),
        };
        self.send(Call::post("/v1/invitations", [], &body)?).await
    }

    /// `POST /v1/invitations`: shares nodes with somebody who does not belong to the tenant yet, as a guest.
    ///
    /// # Errors
    /// `denied` for who may not invite or does not own a node; `conflict` for a member, and where somebody else has invited
    /// the address; as any call.
    pub async fn invite_to(&self, email: &str, grants: Vec<InvitedGrant>) -> Result<CreatedInvitation> {
        let body = CreateInvitation {
            email: email.to_owned(),
            role: None,
            grants,
        };
        self.send(Call::post("/v1/invitations", [], &body)?).await
    }

    /// `GET /v1/invitations`: every open invitation, read page by page.
    ///
    /// # Errors
    /// `denied` without the role; as any call.
    pub async fn invitations(&self) -> Result<Vec<Invitation>> {
        self.every("/v1/invitations").await
    }

    /// `DELETE /v1/invitations/{id}`.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn revoke_invitation(&self, id: &str) -> Result<()> {
        self.send(Call::delete("/v1/invitations/{id}", [id])).await
    }

    /// `PUT /v1/me/password`: another password. All other sessions end.
    ///
    /// # Errors
    /// `invalid` for a wrong or weak one; as any call.
    pub async fn change_password(&self, change: &ChangePassword) -> Result<()> {
        self.send(Call::put("/v1/me/password", [], change)?).await
    }

    /// `PATCH /v1/me`: another name.
    ///
    /// # Errors
    /// As any call.
    pub async fn rename_me(&self, display_name: &str) -> Result<Account> {
        let body = UpdateMe {
            display_name: display_name.to_owned(),
        };
        self.send(Call::patch("/v1/me", [], &body)?).await
    }

    /// `POST /v1/tokens`: a personal access token, shown in this answer only.
    ///
    /// # Errors
    /// `conflict` when the name is taken; as any call.
    pub async fn create_token(&self, token: &CreateToken) -> Result<CreatedToken> {
        self.send(Call::post("/v1/tokens", [], token)?).await
    }

    /// `GET /v1/tokens`: the caller's tokens, without their secrets.
    ///
    /// # Errors
    /// As any call.
    pub async fn access_tokens(&self) -> Result<Vec<AccessToken>> {
        let page: Page<AccessToken> = self.send(Call::get("/v1/tokens", [])).await?;
        Ok(page.items)
    }

    /// `DELETE /v1/tokens/{id}`.
    ///
    /// # Errors
    /// `not_found`; as any call.
    pub async fn delete_token(&self, id: &str) -> Result<()> {
        self.send(Call::delete("/v1/tokens/{id}", [id])).await
    }

    /// `GET /v1/tenant`.
    ///
    /// # Errors
    /// As any call.
    pub async fn tenant(&self) -> Result<TenantDetails> {
        self.send(Call::get("/v1/tenant", [])).await
    }

    /// `PATCH /v1/tenant`: what is left out stays as it is.
    ///
    /// # Errors
    /// `denied` without the role; as any call.
    pub async fn update_tenant(&self, change: &UpdateTenant) -> Result<TenantDetails> {
        self.send(Call::patch("/v1/tenant", [], change)?).await
    }

    /// `DELETE /v1/tenant`: everybody is kept out from now on, and everything in it goes for good after a grace period.
    /// `name` is the tenant's, to be sure.
    ///
    /// # Errors
    /// `denied` without the role; `invalid` for another name; as any call.
    pub async fn delete_tenant(&self, name: &str) -> Result<TenantDeletion> {
        self.send(Call::delete("/v1/tenant", []).query("name", name))
            .await
    }

    async fn every<T: serde::de::DeserializeOwned>(&self, route: &'static str) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut call = Call::get(route, []).query("limit", limits::PAGE_ITEMS_MAX.to_string());
            if let Some(cursor) = cursor {
                call = call.query("cursor", cursor);
            }
            let page: Page<T> = self.send(call).await?;
            all.extend(page.items);
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }
}
