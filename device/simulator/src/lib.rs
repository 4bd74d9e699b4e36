//! A model of the server.
