//! How Postgres plans the checked queries of a module before it has statistics: such a plan is kept while tables grow.

use crate::TestDatabase;
use crate::told::listen;
use bitvault_platform::db::DbRole;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use std::error::Error;
use std::path::Path;
use uuid::Uuid;

/// A checked query: its text and the types of its parameters.
pub type Query = (String, Vec<String>);

/// The checked queries that name a table of this Postgres schema.
pub fn queries(schema: &str) -> Result<Vec<Query>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.sqlx");
    let mut queries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let query: Value = serde_json::from_slice(&std::fs::read(entry?.path())?)?;
        let sql = query["query"].as_str().ok_or("a query has a text")?;
        if sql.contains(&format!("{schema}.")) {
            let types = query["describe"]["parameters"]["Left"]
                .as_array()
                .ok_or("a query has parameters")?;
            let types = types.iter().filter_map(Value::as_str).map(sql_type).collect();
            queries.push((sql.to_owned(), types));
        }
    }
    Ok(queries)
}

/// sqlx's name of a type as SQL writes it.
fn sql_type(name: &str) -> String {
    match name.strip_suffix("Array") {
        Some(element) => format!("{element}[]"),
        None => name.to_owned(),
    }
}

/// The plan of a query that is good for all parameters, as the first of the roles that may run it.
pub async fn plan(
    database: &TestDatabase,
    roles: &[DbRole],
    (sql, types): &Query,
) -> Result<String, Box<dyn Error + Send + Sync>> {
    for role in roles {
        let mut connection = PgConnection::connect(&database.role_url(*role)).await?;
        let (list, nulls) = (types.join(", "), vec!["NULL"; types.len()].join(", "));
        let brackets = |text: &str| {
            if types.is_empty() {
                String::new()
            } else {
                format!("({text})")
            }
        };
        let prepare = format!(
            "SET app.tenant = '00000000-0000-7000-8000-000000000001'; SET plan_cache_mode = force_generic_plan;
             PREPARE p{} AS {sql}",
            brackets(&list)
        );
        sqlx::raw_sql(AssertSqlSafe(prepare))
            .execute(&mut connection)
            .await?;
        let explain = format!("EXPLAIN (COSTS OFF) EXECUTE p{}", brackets(&nulls));
        let lines = sqlx::raw_sql(AssertSqlSafe(explain))
            .fetch_all(&mut connection)
            .await;
        if let Ok(lines) = lines {
            let lines: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
            return Ok(lines.join("\n"));
        }
    }
    Err(format!("no role may run {sql}").into())
}

/// The plans of the statements within the functions that a query calls, each with its text, as a role of the daemon that works for
/// a tenant: as they are kept, good for all parameters.
pub async fn within(
    database: &TestDatabase,
    role: DbRole,
    tenant: Uuid,
    sql: &str,
) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> {
    // Of this database only, so that other tests' connections stay quiet.
    let settings = [
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_nested_statements", "on"),
        ("auto_explain.log_level", "notice"),
        ("plan_cache_mode", "force_generic_plan"),
    ];
    let mut admin = PgConnection::connect(&database.admin_url()).await?;
    for (setting, value) in settings {
        let (role, name) = (role.name(), &database.name);
        let sql = format!("ALTER ROLE {role} IN DATABASE {name} SET {setting} = '{value}'");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await?;
    }
    admin.close().await?;
    let mut connection = PgConnection::connect(&database.role_url(role)).await?;
    sqlx::raw_sql(AssertSqlSafe(format!("SET app.tenant = '{tenant}'")))
        .execute(&mut connection)
        .await?;
    let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    let (done, notices) = listen(query.execute(&mut connection)).await;
    done?;
    Ok(notices)
}

/// A query on one line.
pub fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Indexes, with their tables, that hold one row of a tenant, which is found by the tenant alone.
const OF_ONE_ROW: [[&str; 2]; 4] = [
    ["journal_heads_pkey", "journal_heads"],
    ["home_quotas_pkey", "home_quotas"],
    ["cursors_pkey", "cursors"],
    ["keys_pkey", "keys"],
];

/// The line of a plan that reads a whole table, or all that a tenant has in one.
pub fn whole(plan: &str) -> Option<&str> {
    let mut is_one_row = false;
    plan.lines().map(str::trim).find(|line| {
        // What a condition is about stands on the line before it, or some lines above.
        if line.contains(" Scan ") {
            let words = line.split_once(" Scan using ").map(|(_, rest)| rest.split(' '));
            let named = words.map(|words| words.step_by(2).take(2));
            is_one_row = named.is_some_and(|named| OF_ONE_ROW.iter().any(|one| named.clone().eq(*one)));
        }
        let table = line.contains("Seq Scan") || line.contains("Hash Join") || line.contains("Merge Join");
        // By the tenant alone.
        let cond = line
            .strip_prefix("Index Cond: ")
            .or(line.strip_prefix("Recheck Cond: "));
        let tenant = cond.and_then(|cond| cond.strip_prefix("(tenant_id = $"));
        let alone = |rest: &str| {
            rest.trim_end_matches(')')
                .bytes()
                .all(|digit| digit.is_ascii_digit())
        };
        table || (tenant.is_some_and(alone) && !is_one_row)
    })
}
