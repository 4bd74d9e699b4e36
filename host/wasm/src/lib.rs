//! Component engine: limits, egress policy, request signing, registry
