//! What a transfer shows while it runs and when it has ended.

use crate::error::Error;
use crate::exit::{Exit, client_exit};
use crate::human::{duration, rate, size};
use crate::output::{Output, describe};
use bitvault_client::transfer::{Event, Item, Outcome, Progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const BAR: &str = "{msg} {wide_bar} {bytes}/{total_bytes}  {binary_bytes_per_sec}  {eta}";

/// Shows events as a bar on a terminal, as JSON lines, or only their failures.
pub(crate) struct Reporter {
    output: Output,
    bar: Option<ProgressBar>,
    /// Bytes moved; kept beside the bar, since a failed try takes bytes back.
    moved: AtomicI64,
    tally: Mutex<Tally>,
    began: Instant,
}

/// What came of a transfer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    planned: u64,
    planned_bytes: u64,
    done: u64,
    done_bytes: u64,
    unchanged: u64,
    folders: u64,
    failed: u64,
    ignored: u64,
    exit: Option<Exit>,
    /// The last failure, with its path.
    last: Option<(String, Arc<bitvault_client::Error>)>,
}

impl Tally {
    fn add(&mut self, item: &Item) {
        match &item.outcome {
            Outcome::Done { sha256: None, .. } => self.folders += 1,
            Outcome::Done { .. } => {
                self.done += 1;
                self.done_bytes += item.size;
            }
            Outcome::Unchanged { .. } => self.unchanged += 1,
            Outcome::Failed(error) => {
                self.failed += 1;
                let exit = client_exit(error);
                self.exit = Some(self.exit.map_or(exit, |before| before.and(exit)));
                self.last = Some((item.remote.clone(), Arc::clone(error)));
            }
        }
    }

    fn files(&self) -> u64 {
        self.done + self.unchanged + self.failed
    }

    /// Whether the whole transfer is about one file, so that its failure is the command's.
    fn is_one(&self) -> bool {
        self.planned == 1 && self.files() == 1 && self.folders == 0
    }

    /// One line for people.
    fn summary(&self, verb: &str, took: Duration) -> String {
        let files = if self.done == 1 { "file" } else { "files" };
        let mut line = format!(
            "{verb} {} {files}, {} in {} ({})",
            self.done,
            size(self.done_bytes),
            duration(took),
            rate(self.done_bytes, took)
        );
        for (count, what) in [
            (self.unchanged, "unchanged"),
            (self.failed, "failed"),
            (self.ignored, "left out"),
        ] {
            if count > 0 {
                line.push_str(&format!(", {count} {what}"));
            }
        }
        line
    }
}

impl Reporter {
    pub(crate) fn new(output: Output) -> Arc<Self> {
        let bar = output.draws().then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template(BAR) {
                bar.set_style(style.progress_chars("━╸ "));
            }
            bar
        });
        let (moved, tally) = (AtomicI64::new(0), Mutex::default());
        Arc::new(Self {
            output,
            bar,
            moved,
            tally,
            began: Instant::now(),
        })
    }

    /// Ends the bar, prints the summary, and turns failures into the command's error.
    pub(crate) fn finish(&self, verb: &str) -> Result<(), Error> {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let took = self.began.elapsed();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            self.output.note(&tally.summary(verb, took));
        }
        if self.output.json {
            self.output.document(&json!({
                "event": "summary",
                "files": tally.done,
                "bytes": tally.done_bytes,
                "unchanged": tally.unchanged,
                "folders": tally.folders,
                "failed": tally.failed,
                "ignored": tally.ignored,
                "seconds": took.as_secs_f64(),
            }))?;
        }
        if tally.is_one()
            && let Some((path, error)) = tally.last
        {
            return Err(Error::One { path, error });
        }
        match tally.exit {
            Some(exit) => Err(Error::Some {
                failed: tally.failed,
                all: tally.files(),
                exit,
            }),
            None => Ok(()),
        }
    }

    /// Takes the bar away before an error is told.
    pub(crate) fn give_up(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn item(&self, item: &Item) {
        let (files, planned, one) = {
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.add(item);
            (tally.files(), tally.planned, tally.is_one())
        };
        if let Some(bar) = &self.bar
            && planned > 1
        {
            bar.set_message(format!("{files}/{planned}"));
        }
        if self.output.json {
            let mut told = json!({ "local": item.local.to_string_lossy(), "remote": item.remote });
            match &item.outcome {
                Outcome::Done { node_id, sha256 } => {
                    told["event"] = json!(if sha256.is_some() { "file" } else { "folder" });
                    told["status"] = json!("done");
                    told["node_id"] = json!(node_id);
                    if sha256.is_some() {
                        told["size"] = json!(item.size);
                        told["sha256"] = json!(sha256);
                    }
                }
                Outcome::Unchanged { node_id } => {
                    told["event"] = json!("file");
                    told["status"] = json!("unchanged");
                    told["node_id"] = json!(node_id);
                    told["size"] = json!(item.size);
                }
                Outcome::Failed(error) => {
                    told["event"] = json!("file");
                    told["status"] = json!("failed");
                    told["error"] = describe(error);
                }
            }
            // Nobody reads any more: the transfer itself goes on and the summary will meet the same error.
            let _ = self.output.document(&told);
        } else if let (Outcome::Failed(error), false) = (&item.outcome, one) {
            self.beside(&format!("{}: {error}", item.remote));
        }
    }

    fn beside(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.output.note(line)),
            None => self.output.note(line),
        }
    }
}

impl Progress for Reporter {
    fn event(&self, event: Event) {
        match event {
            Event::Planned { files, bytes } => {
                let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
                tally.planned += files;
                tally.planned_bytes += bytes;
                if let Some(bar) = &self.bar {
                    bar.set_length(tally.planned_bytes);
                }
            }
            Event::Moved(bytes) => {
                let moved = self.moved.fetch_add(bytes, Ordering::Relaxed) + bytes;
                if let Some(bar) = &self.bar {
                    bar.set_position(u64::try_from(moved).unwrap_or(0));
                }
            }
            Event::Item(item) => self.item(&item),
            Event::Ignored { path, why } => {
                self.tally.lock().unwrap_or_else(PoisonError::into_inner).ignored += 1;
                if self.output.json {
                    let told = json!({ "event": "ignored", "local": path.to_string_lossy(), "why": why });
                    let _ = self.output.document(&told);
                } else {
                    self.beside(&format!("{}: left out, {why}", path.display()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(size: u64, outcome: Outcome) -> Item {
        Item {
            local: "l".into(),
            remote: "/r".into(),
            size,
            outcome,
        }
    }

    fn failed(code: i32) -> Outcome {
        let cause = std::io::Error::from_raw_os_error(code);
        Outcome::Failed(Arc::new(bitvault_client::Error::Local {
            path: "l".into(),
            cause,
        }))
    }

    #[test]
    fn a_tally_adds_up_and_names_what_went_wrong() {
        let mut tally = Tally::default();
        let done = Outcome::Done {
            node_id: "n".into(),
            sha256: Some("s".into()),
        };
        tally.add(&item(1024, done.clone()));
        tally.add(&item(1024, done));
        tally.add(&item(
            0,
            Outcome::Done {
                node_id: "n".into(),
                sha256: None,
            },
        ));
        tally.add(&item(7, Outcome::Unchanged { node_id: "n".into() }));
        assert_eq!(
            tally.summary("uploaded", Duration::from_secs(1)),
            "uploaded 2 files, 2.0 KiB in 1.0 s (2.0 KiB/s), 1 unchanged"
        );
        tally.add(&item(7, failed(2)));
        assert_eq!(tally.exit, Some(Exit::NotFound));
        tally.add(&item(7, failed(13)));
        assert_eq!((tally.exit, tally.files()), (Some(Exit::Failed), 5));
    }

    #[test]
    fn bytes_of_a_failed_try_are_taken_back() {
        let reporter = Reporter::new(Output::new(true));
        for bytes in [100, 50, -150, 100] {
            reporter.event(Event::Moved(bytes));
        }
        assert_eq!(reporter.moved.load(Ordering::Relaxed), 100);
    }
}
