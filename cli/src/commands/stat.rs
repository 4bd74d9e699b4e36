use super::find;
use crate::args::Stat;
use crate::connect::Server;
use crate::error::Error;
use crate::human::size;
use crate::output::Output;
use bitvault_client::api::{Metadata, Node, NodeKind, Retention};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(crate) async fn run(args: &Stat, server: &Server, output: &Output) -> Result<(), Error> {
    for path in &args.paths {
        let at = |error| Error::at(path, error);
        let node = find(server, path).await?;
        let retention = server.client.retention(&node.id).await.map_err(at)?;
        let versions = match node.kind {
            NodeKind::File => Some(server.client.all_versions(&node.id).await.map_err(at)?.len()),
            NodeKind::Folder => None,
        };
        let metadata = server.client.metadata(&node.id).await.map_err(at)?;
        if output.json {
            output.document(&json!({
                "path": path.to_string(), "node": node, "versions": versions, "retention": retention,
                "metadata": metadata
            }))?;
            continue;
        }
        output.line(&output.name(&path.to_string()))?;
        for (name, value) in fields(&node, versions, &retention) {
            output.line(&format!("  {name:<13} {}", output.name(&value)))?;
        }
        for (name, text) in marks(&metadata) {
            output.line(&format!("  {:<13} {}", output.name(&name), output.name(&text)))?;
        }
    }
    Ok(())
}

fn fields(node: &Node, versions: Option<usize>, retention: &Retention) -> Vec<(&'static str, String)> {
    let kind = match node.kind {
        NodeKind::Folder => "folder",
        NodeKind::File => "file",
    };
    let fields = [
        ("id", Some(node.id.clone())),
        ("kind", Some(kind.to_owned())),
        ("parent", node.parent_id.clone()),
        ("revision", Some(node.revision.to_string())),
        (
            "size",
            node.size.map(|bytes| format!("{bytes} ({})", size(bytes))),
        ),
        ("content type", node.content_type.clone()),
        ("sha256", node.sha256.clone()),
        ("version", node.version_id.clone()),
        ("versions", versions.map(|count| count.to_string())),
        ("retention", Some(kept(retention))),
        ("created", Some(exact(node.created_at))),
        ("changed", Some(exact(node.updated_at))),
    ];
    let there = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    there.collect()
}

/// Tags in one line, and each field.
fn marks(metadata: &Metadata) -> Vec<(String, String)> {
    let tags = (!metadata.tags.is_empty()).then(|| ("tags".to_owned(), metadata.tags.join(", ")));
    let fields = metadata.fields.iter();
    let fields = fields.map(|(name, text)| (name.clone(), text.clone()));
    tags.into_iter().chain(fields).collect()
}

/// To the nanosecond, as the server knows it.
fn exact(at: OffsetDateTime) -> String {
    at.format(&Rfc3339)
        .unwrap_or_else(|_| at.unix_timestamp().to_string())
}

fn kept(retention: &Retention) -> String {
    let mut rules = Vec::new();
    if let Some(count) = retention.max_count {
        rules.push(format!("the newest {count}"));
    }
    if let Some(days) = retention.max_age_days {
        rules.push(format!("{days} days"));
    }
    if retention.thin {
        rules.push("thinned".to_owned());
    }
    if rules.is_empty() {
        rules.push("all versions".to_owned());
    }
    let source = serde_json::to_value(retention.source);
    let source = source
        .ok()
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    format!("{} ({source})", rules.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitvault_client::api::RetentionSource;

    #[test]
    fn a_policy_is_told_in_words() {
        let retention = |max_count, max_age_days, thin| Retention {
            max_count,
            max_age_days,
            thin,
            source: RetentionSource::Inherited,
        };
        assert_eq!(kept(&retention(None, None, false)), "all versions (inherited)");
        assert_eq!(
            kept(&retention(Some(5), Some(30), true)),
            "the newest 5, 30 days, thinned (inherited)"
        );
    }
}
