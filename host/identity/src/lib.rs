//! Tenants, accounts, memberships, credentials, sessions
