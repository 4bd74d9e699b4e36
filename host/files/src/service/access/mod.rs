//! Who may do what: grants, groups and spaces. One verb a file, or one noun where the verbs are a few lines each.

mod delete_grant;
mod groups;
mod list_grants;
mod list_shared;
mod put_grant;
mod set_inheritance;
mod space_of;
mod spaces;

use super::{Answer, Files, serve};
use bitvault_platform::Ctx;
use bitvault_proto::v1;
use bitvault_proto::v1::access_service_server::AccessService;
use tonic::{Request, Response};

#[tonic::async_trait]
impl AccessService for Files {
    async fn list_grants(&self, request: Request<v1::ListGrantsRequest>) -> Answer<v1::ListGrantsResponse> {
        serve!(self, request, list_grants::list_grants)
    }

    async fn put_grant(&self, request: Request<v1::PutGrantRequest>) -> Answer<v1::Grant> {
        serve!(self, request, put_grant::put_grant)
    }

    async fn delete_grant(
        &self,
        request: Request<v1::DeleteGrantRequest>,
    ) -> Answer<v1::DeleteGrantResponse> {
        serve!(self, request, delete_grant::delete_grant)
    }

    async fn set_inheritance(
        &self,
        request: Request<v1::SetInheritanceRequest>,
    ) -> Answer<v1::ListGrantsResponse> {
        serve!(self, request, set_inheritance::set_inheritance)
    }

    async fn list_shared(&self, request: Request<v1::ListSharedRequest>) -> Answer<v1::ListSharedResponse> {
        serve!(self, request, list_shared::list_shared)
    }

    async fn list_groups(&self, request: Request<v1::ListGroupsRequest>) -> Answer<v1::ListGroupsResponse> {
        serve!(self, request, groups::list_groups)
    }

    async fn create_group(&self, request: Request<v1::CreateGroupRequest>) -> Answer<v1::Group> {
        serve!(self, request, groups::create_group)
    }

    async fn update_group(&self, request: Request<v1::UpdateGroupRequest>) -> Answer<v1::Group> {
        serve!(self, request, groups::update_group)
    }

    async fn delete_group(
        &self,
        request: Request<v1::DeleteGroupRequest>,
    ) -> Answer<v1::DeleteGroupResponse> {
        serve!(self, request, groups::delete_group)
    }

    async fn list_group_members(
        &self,
        request: Request<v1::ListGroupMembersRequest>,
    ) -> Answer<v1::ListGroupMembersResponse> {
        serve!(self, request, groups::list_group_members)
    }

    async fn put_group_member(&self, request: Request<v1::GroupMemberRequest>) -> Answer<v1::GroupMember> {
        serve!(self, request, groups::put_group_member)
    }

    async fn delete_group_member(
        &self,
        request: Request<v1::GroupMemberRequest>,
    ) -> Answer<v1::DeleteGroupMemberResponse> {
        serve!(self, request, groups::delete_group_member)
    }

    async fn list_spaces(&self, request: Request<v1::ListSpacesRequest>) -> Answer<v1::ListSpacesResponse> {
        serve!(self, request, spaces::list_spaces)
    }

    async fn create_space(&self, request: Request<v1::CreateSpaceRequest>) -> Answer<v1::Space> {
        serve!(self, request, spaces::create_space)
    }

    async fn update_space(&self, request: Request<v1::UpdateSpaceRequest>) -> Answer<v1::Space> {
        serve!(self, request, spaces::update_space)
    }

    async fn delete_space(
        &self,
        request: Request<v1::DeleteSpaceRequest>,
    ) -> Answer<v1::DeleteSpaceResponse> {
        serve!(self, request, spaces::delete_space)
    }
}
