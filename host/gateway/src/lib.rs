//! REST, OpenAPI, problem details, public gRPC, the web app's files
