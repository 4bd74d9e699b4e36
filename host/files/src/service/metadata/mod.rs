//! What helps people to find files again: tags and fields, favourites and recent files. One verb a file, or one noun where
//! the verbs are a few lines each.

mod favourites;
mod get_metadata;
mod list_recent;
mod seen;
mod update_metadata;

use super::{Answer, Files, serve};
use bitvault_platform::Ctx;
use bitvault_proto::v1;
use bitvault_proto::v1::metadata_service_server::MetadataService;
use tonic::{Request, Response};

#[tonic::async_trait]
impl MetadataService for Files {
    async fn get_metadata(&self, request: Request<v1::GetMetadataRequest>) -> Answer<v1::Metadata> {
        serve!(self, request, get_metadata::get_metadata)
    }

    async fn update_metadata(&self, request: Request<v1::UpdateMetadataRequest>) -> Answer<v1::Metadata> {
        serve!(self, request, update_metadata::update_metadata)
    }

    async fn list_favourites(
        &self,
        request: Request<v1::ListFavouritesRequest>,
    ) -> Answer<v1::ListFavouritesResponse> {
        serve!(self, request, favourites::list_favourites)
    }

    async fn add_favourite(
        &self,
        request: Request<v1::FavouriteRequest>,
    ) -> Answer<v1::AddFavouriteResponse> {
        serve!(self, request, favourites::add_favourite)
    }

    async fn remove_favourite(
        &self,
        request: Request<v1::FavouriteRequest>,
    ) -> Answer<v1::RemoveFavouriteResponse> {
        serve!(self, request, favourites::remove_favourite)
    }

    async fn list_recent(&self, request: Request<v1::ListRecentRequest>) -> Answer<v1::ListRecentResponse> {
        serve!(self, request, list_recent::list_recent)
    }
}
