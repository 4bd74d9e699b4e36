//! What happened in a run: a hash of all of it, lines for people, and which families of scenarios it met.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hasher as _};

/// What happened in a run.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    hasher: DefaultHasher,
    lines: Option<Vec<String>>,
    met: BTreeMap<&'static str, u64>,
}

impl Trace {
    pub(crate) fn new(keeps_lines: bool) -> Self {
        Self {
            lines: keeps_lines.then(Vec::new),
            ..Self::default()
        }
    }

    pub(crate) fn line(&mut self, what: fmt::Arguments<'_>) {
        let into = &mut Into(&mut self.hasher);
        // Hashing can't fail.
        let _ = into.write_fmt(what);
        if let Some(lines) = &mut self.lines {
            lines.push(what.to_string());
        }
    }

    pub(crate) fn met(&mut self, family: &'static str) {
        *self.met.entry(family).or_default() += 1;
    }

    /// Equal for runs in which the same happened.
    pub fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    /// What happened, where somebody wanted to know.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or_default()
    }

    /// How often each family of scenarios was met.
    pub fn families(&self) -> &BTreeMap<&'static str, u64> {
        &self.met
    }
}

struct Into<'a>(&'a mut DefaultHasher);

impl fmt::Write for Into<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
