//! Loads storage adapters, signs plans, hands out presigned requests
