//! Buckets: create, head, list, delete, location.

use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use super::Backend;
use crate::error::blocking;

impl Backend {
    pub(super) async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<CreateBucketOutput> {
        let bucket = request.input.bucket;
        let location = format!("/{bucket}");
        let store = self.store.clone();
        if !blocking(move || store.create_bucket(&bucket)).await? {
            return Err(s3_error!(
                BucketAlreadyOwnedByYou,
                "The bucket exists and is yours."
            ));
        }
        Ok(CreateBucketOutput {
            location: Some(location),
        })
    }

    pub(super) async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<HeadBucketOutput> {
        self.store.require_bucket(&request.input.bucket)?;
        Ok(HeadBucketOutput {
            bucket_region: Some(self.region.to_string()),
            ..HeadBucketOutput::default()
        })
    }

    pub(super) async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<GetBucketLocationOutput> {
        self.store.require_bucket(&request.input.bucket)?;
        // S3 names the region of its first days by leaving it out.
        let location = (&*self.region != "us-east-1").then(|| self.region.to_string().into());
        Ok(GetBucketLocationOutput {
            location_constraint: location,
        })
    }

    pub(super) async fn list_buckets(
        &self,
        _request: S3Request<ListBucketsInput>,
    ) -> S3Result<ListBucketsOutput> {
        let store = self.store.clone();
        let buckets = blocking(move || store.buckets()).await?;
        let bucket = |(name, created): (String, std::time::SystemTime)| Bucket {
            name: Some(name),
            creation_date: Some(created.into()),
            ..Bucket::default()
        };
        Ok(ListBucketsOutput {
            buckets: Some(buckets.into_iter().map(bucket).collect()),
            ..ListBucketsOutput::default()
        })
    }

    pub(super) async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<DeleteBucketOutput> {
        let store = self.store.clone();
        blocking(move || store.delete_bucket(&request.input.bucket)).await?;
        Ok(DeleteBucketOutput::default())
    }
}
