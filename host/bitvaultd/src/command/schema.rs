use super::answer;
use crate::config::Config;
use crate::lite::with_backing;
use anyhow::Result;
use bitvault_platform::db;

pub(crate) async fn migrate(config: Config) -> Result<()> {
    if let Some(database) = &config.database {
        db::migrate(database).await?;
    } else {
        with_backing(&config, async |backing| Ok(db::migrate(&backing.database).await?)).await?;
    }
    answer("the schema is up to date");
    Ok(())
}
