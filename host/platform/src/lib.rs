//! What every module stands on: config, database, rpc, telemetry, bus, clock and ids
