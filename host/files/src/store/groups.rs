//! Groups of accounts.

use crate::domain::access::Actor;
use crate::domain::name::Name;
use bitvault_platform::Result;
use bitvault_platform::db::TenantTx;
use bitvault_platform::ids::{AccountId, GroupId};
use time::OffsetDateTime;
use uuid::Uuid;

/// A group as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct GroupRow {
    pub(crate) id: GroupId,
    pub(crate) name: String,
    pub(crate) name_key: String,
    pub(crate) members: i64,
    pub(crate) created_at: OffsetDateTime,
}

/// Groups by folded name, after `after`; only those of an account when it is named.
pub(crate) async fn list(
    tx: &mut TenantTx,
    of: Option<AccountId>,
    after: &str,
    limit: i64,
) -> Result<Vec<GroupRow>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        GroupRow,
        r#"SELECT g.id AS "id!: GroupId", g.name AS "name!", g.name_key AS "name_key!", m.count AS "members!",
                  g.created_at AS "created_at!"
           FROM (SELECT * FROM files.groups
                 WHERE tenant_id = $1 AND name_key > $2
                   AND ($3::uuid IS NULL OR EXISTS (
                       SELECT FROM files.group_members
                       WHERE tenant_id = $1 AND group_id = groups.id AND account_id = $3 OFFSET 0))
                 ORDER BY name_key LIMIT $4) g
           CROSS JOIN LATERAL (SELECT count(*) AS count FROM files.group_members
                               WHERE tenant_id = $1 AND group_id = g.id) m
           ORDER BY g.name_key"#,
        tenant,
        after,
        of.map(|account| account.0),
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Locks a group against change, and answers it.
pub(crate) async fn lock(tx: &mut TenantTx, id: GroupId) -> Result<Option<GroupRow>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        GroupRow,
        r#"SELECT g.id AS "id!: GroupId", g.name AS "name!", g.name_key AS "name_key!",
                  (SELECT count(*) FROM files.group_members WHERE tenant_id = $1 AND group_id = $2) AS "members!",
                  g.created_at AS "created_at!"
           FROM files.groups g WHERE g.tenant_id = $1 AND g.id = $2 FOR UPDATE"#,
        tenant,
        id.0
    )
    .fetch_optional(&mut **tx)
    .await?)
}

/// Makes a group; `false` when the name is taken.
pub(crate) async fn insert(
    tx: &mut TenantTx,
    actor: Actor,
    id: GroupId,
    name: &Name,
    now: OffsetDateTime,
) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "INSERT INTO files.groups (tenant_id, id, name, name_key, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, name_key) DO NOTHING",
        tenant,
        id.0,
        name.text,
        name.key,
        now,
        actor.account.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a group another name; `false` when it is taken, and then the transaction can't go on.
pub(crate) async fn rename(tx: &mut TenantTx, id: GroupId, name: &Name) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "UPDATE files.groups SET name = $3, name_key = $4 WHERE tenant_id = $1 AND id = $2",
        tenant,
        id.0,
        name.text,
        name.key
    )
    .execute(&mut **tx)
    .await;
    match done {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(cause)) if cause.is_unique_violation() => Ok(false),
        Err(cause) => Err(cause.into()),
    }
}

/// Removes a group with its memberships; `false` when a space belongs to it, and then the transaction can't go on.
pub(crate) async fn delete(tx: &mut TenantTx, id: GroupId) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "DELETE FROM files.groups WHERE tenant_id = $1 AND id = $2",
        tenant,
        id.0
    )
    .execute(&mut **tx)
    .await;
    match done {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(cause)) if cause.is_foreign_key_violation() => Ok(false),
        Err(cause) => Err(cause.into()),
    }
}

/// Whether a group with this id exists, and keeps existing until this transaction ends.
pub(crate) async fn hold(tx: &mut TenantTx, id: GroupId) -> Result<bool> {
    let tenant = tx.tenant().0;
    let found = sqlx::query_scalar!(
        "SELECT id FROM files.groups WHERE tenant_id = $1 AND id = $2 FOR KEY SHARE",
        tenant,
        id.0
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.is_some())
}

/// Somebody's place in a group.
#[derive(Debug, Clone)]
pub(crate) struct MemberRow {
    pub(crate) account: AccountId,
    pub(crate) added_at: OffsetDateTime,
}

/// Members of a group by id, after `after`.
pub(crate) async fn members(
    tx: &mut TenantTx,
    group: GroupId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<MemberRow>> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_as!(
        MemberRow,
        r#"SELECT account_id AS "account!: AccountId", added_at AS "added_at!" FROM files.group_members
           WHERE tenant_id = $1 AND group_id = $2 AND account_id > $3 ORDER BY account_id LIMIT $4"#,
        tenant,
        group.0,
        after,
        limit
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Whether an account is in a group.
pub(crate) async fn has_member(tx: &mut TenantTx, group: GroupId, account: AccountId) -> Result<bool> {
    let tenant = tx.tenant().0;
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM files.group_members
                          WHERE tenant_id = $1 AND group_id = $2 AND account_id = $3) AS "has!""#,
        tenant,
        group.0,
        account.0
    )
    .fetch_one(&mut **tx)
    .await?)
}

/// Takes an account into a group; answers since when it is there, and whether it was not before.
pub(crate) async fn put_member(
    tx: &mut TenantTx,
    actor: Actor,
    group: GroupId,
    account: AccountId,
    now: OffsetDateTime,
) -> Result<(OffsetDateTime, bool)> {
    let tenant = tx.tenant().0;
    let made = sqlx::query!(
        "INSERT INTO files.group_members (tenant_id, group_id, account_id, added_at, added_by)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        tenant,
        group.0,
        account.0,
        now,
        actor.account.0
    )
    .execute(&mut **tx)
    .await?;
    let added_at = sqlx::query_scalar!(
        "SELECT added_at FROM files.group_members WHERE tenant_id = $1 AND group_id = $2 AND account_id = $3",
        tenant,
        group.0,
        account.0
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok((added_at, made.rows_affected() == 1))
}

/// Takes an account out of a group; `false` when it was not there.
pub(crate) async fn delete_member(tx: &mut TenantTx, group: GroupId, account: AccountId) -> Result<bool> {
    let tenant = tx.tenant().0;
    let done = sqlx::query!(
        "DELETE FROM files.group_members WHERE tenant_id = $1 AND group_id = $2 AND account_id = $3",
        tenant,
        group.0,
        account.0
    )
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
