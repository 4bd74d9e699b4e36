//! The S3 operations over the store. Each file has one family; this one ties them to s3s.

mod buckets;
mod chunks;
mod complete;
mod convert;
mod list;
mod multipart;
mod read;
mod write;

use std::sync::Arc;

use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use crate::config::Limits;
use crate::store::Store;
pub(crate) use chunks::ReadAhead;

/// The backend that s3s calls.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) store: Arc<Store>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) region: Arc<str>,
    pub(crate) read_ahead: ReadAhead,
}

macro_rules! operations {
    ($($name:ident: $input:ident -> $output:ident;)*) => {
        #[async_trait::async_trait]
        impl S3 for Backend {
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                self.$name(request).await.map(S3Response::new)
            })*
        }
    };
}

// A method of a type is preferred to one of a trait, so each calls the one of that name in this folder.
operations! {
    abort_multipart_upload: AbortMultipartUploadInput -> AbortMultipartUploadOutput;
    complete_multipart_upload: CompleteMultipartUploadInput -> CompleteMultipartUploadOutput;
    copy_object: CopyObjectInput -> CopyObjectOutput;
    create_bucket: CreateBucketInput -> CreateBucketOutput;
    create_multipart_upload: CreateMultipartUploadInput -> CreateMultipartUploadOutput;
    delete_bucket: DeleteBucketInput -> DeleteBucketOutput;
    delete_object: DeleteObjectInput -> DeleteObjectOutput;
    delete_objects: DeleteObjectsInput -> DeleteObjectsOutput;
    get_bucket_location: GetBucketLocationInput -> GetBucketLocationOutput;
    get_object: GetObjectInput -> GetObjectOutput;
    head_bucket: HeadBucketInput -> HeadBucketOutput;
    head_object: HeadObjectInput -> HeadObjectOutput;
    list_buckets: ListBucketsInput -> ListBucketsOutput;
    list_multipart_uploads: ListMultipartUploadsInput -> ListMultipartUploadsOutput;
    list_objects: ListObjectsInput -> ListObjectsOutput;
    list_objects_v2: ListObjectsV2Input -> ListObjectsV2Output;
    list_parts: ListPartsInput -> ListPartsOutput;
    put_object: PutObjectInput -> PutObjectOutput;
    upload_part: UploadPartInput -> UploadPartOutput;
    upload_part_copy: UploadPartCopyInput -> UploadPartCopyOutput;
}
