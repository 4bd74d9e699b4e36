//! The embedded S3 endpoint of the lite profile: objects on local disk
