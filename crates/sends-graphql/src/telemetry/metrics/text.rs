//! Prometheus text format 0.0.4.
//!
//! prometheus-client writes `OpenMetrics`, in which the name of a counter family differs from the names of its samples. All
//! scrapers support the older format, and some scrapers do not support `OpenMetrics`.

use std::fmt::{self, Write};

use prometheus_client::{encoding::text, registry::Registry};

pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn encode(registries: &[&Registry]) -> Result<String, fmt::Error> {
    let mut written = String::new();
    for registry in registries {
        text::encode_registry(&mut written, registry)?;
    }
    let mut plain = String::with_capacity(written.len());
    let mut lines = written.lines().peekable();
    while let Some(line) = lines.next() {
        let help = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '));
        let is_of_counter = lines.peek().is_some_and(|next| next.ends_with(" counter"));
        match (help, line.strip_suffix(" counter")) {
            (Some((name, help)), _) if is_of_counter => writeln!(plain, "# HELP {name}_total {help}")?,
            (None, Some(declaration)) => writeln!(plain, "{declaration}_total counter")?,
            _ => writeln!(plain, "{line}")?,
        }
    }
    Ok(plain)
}
