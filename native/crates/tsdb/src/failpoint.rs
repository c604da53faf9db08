//! Places where a test has the process die, so that what is left behind can be looked at.
//!
//! `NEOCORTEX_DIE_AT=<label>` has the process abort the first time that it comes to the place with that label,
//! `NEOCORTEX_DIE_AT=<label>:<n>` the nth time. It is what is shipped that dies, not another build of it: who may set the
//! environment of a process may end it anyway, and without the variable a place costs one load. `tests/crash` lists the
//! labels and dies at each.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

const VARIABLE: &str = "NEOCORTEX_DIE_AT";

struct Armed {
    label: String,
    /// Times that the place is still come to, the last included.
    left: AtomicU64,
}

fn armed() -> Option<&'static Armed> {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    ARMED.get_or_init(|| std::env::var(VARIABLE).ok().map(|text| parse(&text))).as_ref()
}

fn parse(text: &str) -> Armed {
    let nth = text.rsplit_once(':').and_then(|(label, n)| Some((label, n.parse().ok()?)));
    let (label, n) = nth.unwrap_or((text, 1));
    Armed { label: label.to_owned(), left: AtomicU64::new(n) }
}

impl Armed {
    fn is_due(&self, label: &str) -> bool {
        self.label == label && self.left.fetch_sub(1, Ordering::Relaxed) == 1
    }
}

/// The process dies here if it was told to.
pub fn reach(label: &str) {
    reach_after(label, || ());
}

/// As [`reach`], but does something before: the half of what was to be done.
pub fn reach_after(label: &str, half: impl FnOnce()) {
    if armed().is_some_and(|armed| armed.is_due(label)) {
        half();
        // Nothing can be done about an error, and the process ends either way.
        let _ = writeln!(std::io::stderr(), "died at {label}");
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_time_counts() {
        let armed = parse("log.half-written:3");
        let due: Vec<bool> = ["log.half-written", "other", "log.half-written", "log.half-written", "log.half-written"]
            .map(|l| armed.is_due(l))
            .into();
        assert_eq!(due, [false, false, false, true, false]);
        assert!(parse("block.named").is_due("block.named"));
    }
}
