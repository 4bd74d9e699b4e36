//! The public service. It decides nothing about access: files does, for every hit, when it is asked.

mod answer;
mod erase_tenant;
mod search;

use crate::Search;
use bitvault_platform::Ctx;
use bitvault_proto::internal::v1 as internal;
use bitvault_proto::internal::v1::search_data_service_server::{SearchDataService, SearchDataServiceServer};
use bitvault_proto::v1;
use bitvault_proto::v1::search_service_server::{SearchService, SearchServiceServer};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

impl Search {
    /// The services, to be put behind [`bitvault_platform::rpc::guard`].
    pub fn routes(&self) -> Routes {
        Routes::new(SearchServiceServer::new(self.clone()))
            .add_service(SearchDataServiceServer::new(self.clone()))
            .prepare()
    }
}

#[tonic::async_trait]
impl SearchService for Search {
    async fn search(
        &self,
        request: Request<v1::SearchRequest>,
    ) -> Result<Response<v1::SearchResponse>, Status> {
        let ctx = Ctx::of(&request)?;
        let answer = search::search(self, &ctx, request.into_inner()).await?;
        Ok(Response::new(answer))
    }
}

#[tonic::async_trait]
impl SearchDataService for Search {
    async fn erase_tenant(
        &self,
        request: Request<internal::EraseTenantRequest>,
    ) -> Result<Response<internal::EraseTenantResponse>, Status> {
        let ctx = Ctx::of(&request)?;
        let answer = erase_tenant::erase_tenant(self, &ctx).await?;
        Ok(Response::new(answer))
    }
}
