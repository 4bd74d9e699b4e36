//! What a running sync shows.

use crate::human::{rate, size};
use crate::output::Output;
use bitvault_device::engine::{Event, Progress};
use bitvault_device::state::LogLine;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Shows what happens: a line that changes on a terminal, JSON lines, or nothing.
pub(super) struct Shown {
    output: Output,
    bar: Option<ProgressBar>,
    done: AtomicU64,
    planned: AtomicU64,
    bytes: AtomicU64,
    began: Instant,
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
            done: AtomicU64::new(0),
            planned: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
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
        let (done, bytes) = (
            self.done.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        );
        let took = self.began.elapsed();
        format!("{done} changes, {} ({})", size(bytes), rate(bytes, took))
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn did(&self, line: &LogLine) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if self.output.json {
            // Nobody reads any more: the sync itself goes on.
            let _ = self.output.document(&json!({
                "event": "did", "what": line.what, "path": line.path, "detail": line.detail,
            }));
        }
    }

    fn draw(&self, now: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{now}  {}", self.summary()));
        }
    }
}

impl Progress for Shown {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Looked { entries } => self.draw(&format!("looked at {entries} entries")),
            Event::Pulled { changes } => self.draw(&format!("read {changes} changes")),
            Event::Planned { operations } => {
                self.planned.store(operations as u64, Ordering::Relaxed);
                self.draw(&format!("{operations} to do"));
            }
            Event::Did(line) => {
                self.did(line);
                self.draw(&line.path);
            }
            Event::Moved { bytes } => {
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            Event::AtRest => self.draw("in step"),
        }
    }
}
