use super::answer;
use crate::config::Config;
use crate::lite::Backing;
use anyhow::Result;
use bitvault_platform::db;

pub(crate) async fn migrate(config: Config) -> Result<()> {
    if let Some(database) = &config.database {
        db::migrate(database).await?;
    } else {
        let backing = Backing::join_or_start(&config).await?;
        db::migrate(&backing.database).await?;
        backing.stop().await?;
    }
    answer("the schema is up to date");
    Ok(())
}
