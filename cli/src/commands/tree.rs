use super::find;
use crate::args::Tree;
use crate::connect::Server;
use crate::error::Error;
use crate::human::size;
use crate::output::Output;
use bitvault_client::RemotePath;
use bitvault_client::api::{Node, NodeKind};
use serde_json::json;
use std::collections::VecDeque;

/// A folder whose children are being shown.
struct Open {
    path: RemotePath,
    left: VecDeque<Node>,
    /// What stands before the lines of its children.
    indent: String,
}

pub(crate) async fn run(args: &Tree, server: &Server, output: &Output) -> Result<(), Error> {
    let top = find(server, &args.path).await?;
    if output.json {
        tell(output, &args.path, 0, &top)?;
    } else {
        output.line(&output.name(&args.path.to_string()))?;
    }
    let (mut files, mut folders, mut bytes) = (0_u64, 0_u64, 0_u64);
    let mut open = Vec::new();
    if top.kind == NodeKind::Folder {
        open.push(children(server, &top, args.path.clone(), String::new()).await?);
    } else {
        (files, bytes) = (1, top.size.unwrap_or(0));
    }
    while let Some(folder) = open.last_mut() {
        let Some(node) = folder.left.pop_front() else {
            open.pop();
            continue;
        };
        let (last, path) = (folder.left.is_empty(), folder.path.join(&node.name));
        let indent = folder.indent.clone();
        let depth = open.len();
        if output.json {
            tell(output, &path, depth, &node)?;
        } else {
            let branch = if last { "└── " } else { "├── " };
            output.line(&format!("{indent}{branch}{}", line(&node, output)))?;
        }
        match node.kind {
            NodeKind::File => {
                files += 1;
                bytes += node.size.unwrap_or(0);
            }
            NodeKind::Folder => folders += 1,
        }
        let deeper = args.levels.is_none_or(|levels| depth < usize::from(levels));
        if node.kind == NodeKind::Folder && deeper {
            let indent = format!("{indent}{}", if last { "    " } else { "│   " });
            open.push(children(server, &node, path, indent).await?);
        }
    }
    if output.json {
        return Ok(());
    }
    output.line(&format!("\n{folders} folders, {files} files, {}", size(bytes)))
}

async fn children(server: &Server, folder: &Node, path: RemotePath, indent: String) -> Result<Open, Error> {
    let left = server.client.all_children(&folder.id).await;
    let left = left.map_err(|error| Error::at(&path, error))?.into();
    Ok(Open { path, left, indent })
}

fn line(node: &Node, output: &Output) -> String {
    let name = output.name(&node.name);
    match node.size {
        Some(bytes) => format!("{name}  ({})", size(bytes)),
        None => format!("{name}/"),
    }
}

fn tell(output: &Output, path: &RemotePath, depth: usize, node: &Node) -> Result<(), Error> {
    output.document(&json!({ "path": path.to_string(), "depth": depth, "node": node }))
}
