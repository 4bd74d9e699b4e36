//! The page that loads the module, and the script that starts it.

use anyhow::{Context, Result};

/// Stands in `frontend/index.html` where the tags go.
const PLACEHOLDER: &str = "<!-- bundle -->";

/// The files that the page loads. They are named from the root, because the app's own routes go deeper.
#[derive(Debug)]
pub(crate) struct Tags {
    /// Starts the module.
    pub(crate) boot: String,
    /// What wasm-bindgen wrote.
    pub(crate) script: String,
    /// The module.
    pub(crate) wasm: String,
}

/// Puts the tags into the page.
pub(crate) fn fill(page: &[u8], tags: &Tags) -> Result<Vec<u8>> {
    let page = std::str::from_utf8(page).context("index.html is not UTF-8")?;
    let (before, after) = page.split_once(PLACEHOLDER).with_context(|| {
        format!("index.html has no `{PLACEHOLDER}` in its head: write it where the scripts go")
    })?;
    let Tags { boot, script, wasm } = tags;
    Ok(format!(
        "{before}<link rel=\"modulepreload\" href=\"/{script}\">\
         <link rel=\"preload\" href=\"/{wasm}\" as=\"fetch\" type=\"application/wasm\" crossorigin>\
         <script type=\"module\" src=\"/{boot}\"></script>{after}"
    )
    .into_bytes())
}

/// The script that starts the module. The module's address is relative to the script, not to the page.
pub(crate) fn boot(script: &str, wasm: &str) -> String {
    format!(
        "import init from './{script}';\nawait init({{ module_or_path: new URL('./{wasm}', import.meta.url) }});\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags() -> Tags {
        Tags {
            boot: "boot-1.js".into(),
            script: "app-1.js".into(),
            wasm: "app-1_bg.wasm".into(),
        }
    }

    #[test]
    fn the_page_loads_the_files_and_holds_no_inline_script() {
        let page = fill(b"<head><!-- bundle --></head>", &tags()).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(
            page.contains("<script type=\"module\" src=\"/boot-1.js\"></script></head>"),
            "{page}"
        );
        assert!(
            page.contains("href=\"/app-1.js\"") && page.contains("href=\"/app-1_bg.wasm\""),
            "{page}"
        );
    }

    #[test]
    fn a_page_without_the_placeholder_is_refused_with_what_to_write() {
        let error = fill(b"<head></head>", &tags()).unwrap_err().to_string();
        assert!(error.contains("<!-- bundle -->"), "{error}");
    }
}
