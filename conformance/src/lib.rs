//! Black-box suites: storage adapters, API
