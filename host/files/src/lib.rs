//! Nodes, versions, uploads, blobs, journal, outbox, collector
