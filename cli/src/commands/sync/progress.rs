//! What a running sync shows, and notes for `bitvault sync status`.

use super::pace::Recent;
use crate::human::{duration, rate, size};
use crate::output::Output;
use bitvault_client::transfer;
use bitvault_device::engine::{Event, Progress};
use bitvault_device::state::{LogLine, Moving, SqliteStore};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// How often it is noted how far it is.
const NOTED_EVERY: Duration = Duration::from_secs(1);

/// Shows what happens: a line that changes on a terminal, JSON lines, or nothing.
pub(super) struct Shown {
    output: Output,
    bar: Option<ProgressBar>,
    counts: Mutex<Counts>,
    began: Instant,
}

/// What was done and what is left. Bytes count as they move, both ways; those of a failed try are taken back.
#[derive(Debug, Default)]
struct Counts {
    changes: u64,
    /// Since the process began.
    bytes_moved: u64,
    /// These since it was last at rest.
    files: u64,
    files_total: u64,
    bytes: u64,
    bytes_total: u64,
    recent: Recent,
    /// What the line begins with.
    now: String,
}

impl Shown {
    pub(super) fn new(output: Output) -> Self {
        let bar = output.draws().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self {
            output,
            bar,
            counts: Mutex::new(Counts::default()),
            began: Instant::now(),
        }
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// What was done, for people.
    pub(super) fn summary(&self) -> String {
        let counts = self.counts();
        let (changes, bytes) = (counts.changes, counts.bytes_moved);
        format!(
            "{changes} changes, {} ({})",
            size(bytes),
            rate(bytes, self.began.elapsed())
        )
    }

    pub(super) fn bytes_moved(&self) -> u64 {
        self.counts().bytes_moved
    }

    /// Notes again and again how far it is, in the state beside the engine. Never ends.
    pub(super) async fn note(&self, state: &Path) {
        let mut noted = false;
        loop {
            tokio::time::sleep(NOTED_EVERY).await;
            let moving = self.moving();
            self.draw();
            if moving.is_none() && !noted {
                continue;
            }
            noted = moving.is_some();
            let written = SqliteStore::beside(state).and_then(|mut store| store.set_moving(moving.as_ref()));
            if let Err(error) = written {
                tracing::debug!(%error, "note how far the sync is");
            }
        }
    }

    /// How far it is, while something moves.
    fn moving(&self) -> Option<Moving> {
        let mut counts = self.counts();
        let bytes = counts.bytes_moved;
        counts.recent.add(Instant::now(), bytes);
        if counts.files_total == 0 {
            return None;
        }
        let bytes_per_s = counts.recent.per_second();
        Some(Moving {
            at: now(),
            files_done: counts.files,
            files_total: counts.files_total,
            bytes_done: counts.bytes.min(counts.bytes_total),
            bytes_total: counts.bytes_total,
            bytes_per_s,
            eta_s: counts
                .bytes_total
                .saturating_sub(counts.bytes)
                .checked_div(bytes_per_s),
        })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn did(&self, line: &LogLine) {
        let mut counts = self.counts();
        counts.changes += 1;
        if matches!(line.what.as_str(), "upload" | "download") {
            counts.files += 1;
        }
        drop(counts);
        self.say(&line.path);
        if self.output.json {
            // Nobody reads any more: the sync itself goes on.
            let _ = self.output.document(&json!({
                "event": "did", "what": line.what, "path": line.path, "detail": line.detail,
            }));
        }
    }

    fn say(&self, now: &str) {
        now.clone_into(&mut self.counts().now);
        self.draw();
    }

    fn draw(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message(self.counts().line());
        }
    }
}

impl Counts {
    fn moved(&mut self, bytes: i64) {
        self.bytes = self.bytes.saturating_add_signed(bytes);
        self.bytes_moved = self.bytes_moved.saturating_add_signed(bytes);
    }

    /// A plan is what is left: what was done comes on top.
    fn planned(&mut self, files: usize, bytes: u64) {
        self.files_total = self.files + files as u64;
        self.bytes_total = self.bytes + bytes;
    }

    fn at_rest(&mut self) {
        (self.files, self.files_total, self.bytes, self.bytes_total) = (0, 0, 0, 0);
    }

    fn line(&self) -> String {
        if self.files_total == 0 {
            return format!(
                "{}  {} changes, {}",
                self.now,
                self.changes,
                size(self.bytes_moved)
            );
        }
        let per_second = self.recent.per_second();
        let left = self
            .bytes_total
            .saturating_sub(self.bytes)
            .checked_div(per_second);
        let left = left.map_or_else(String::new, |seconds| {
            format!(", {} left", duration(Duration::from_secs(seconds)))
        });
        format!(
            "{} of {} files, {} of {}, {}/s{left}  {}",
            self.files,
            self.files_total,
            size(self.bytes.min(self.bytes_total)),
            size(self.bytes_total),
            size(per_second),
            self.now
        )
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "other processes compare it with the machine's clock"
)]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

impl Progress for Shown {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Looked { entries } => self.say(&format!("looked at {entries} entries")),
            Event::Pulled { changes } => self.say(&format!("read {changes} changes")),
            Event::Planned {
                operations,
                files,
                bytes,
            } => {
                self.counts().planned(files, bytes);
                self.say(&format!("{operations} to do"));
            }
            Event::Did(line) => self.did(line),
            Event::Resumed { bytes } => {
                let mut counts = self.counts();
                counts.bytes = counts.bytes.saturating_add(bytes);
            }
            // Counted where they go over the wire, which tells of large files before their end.
            Event::Moved { .. } => {}
            Event::AtRest => {
                self.counts().at_rest();
                self.say("in step");
            }
        }
    }
}

/// What goes over the wire.
impl transfer::Progress for Shown {
    fn event(&self, event: transfer::Event) {
        if let transfer::Event::Moved(bytes) = event {
            self.counts().moved(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_plan_counts_on_from_what_was_done() {
        let mut counts = Counts::default();
        counts.planned(3, 300);
        counts.moved(100);
        counts.moved(50);
        counts.moved(-50);
        counts.files = 1;
        counts.planned(2, 200);
        assert_eq!((counts.files_total, counts.bytes_total), (3, 300));
        assert_eq!(counts.bytes, 100);
        counts.at_rest();
        assert_eq!((counts.bytes_total, counts.bytes_moved), (0, 100));
    }

    #[test]
    fn the_line_says_how_much_of_what_how_fast_and_how_long() {
        let began = Instant::now();
        let mut counts = Counts::default();
        counts.planned(4, 8 << 20);
        counts.recent.add(began, 0);
        counts.moved(2 << 20);
        counts.files = 1;
        counts
            .recent
            .add(began + Duration::from_secs(2), counts.bytes_moved);
        assert_eq!(
            counts.line(),
            "1 of 4 files, 2.0 MiB of 8.0 MiB, 1.0 MiB/s, 6.0 s left  "
        );
    }
}
