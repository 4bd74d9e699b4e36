//! Typed client of the REST API, shared by cli, device and frontend
