//! Medians, ratios and their output.
#![expect(clippy::print_stdout, reason = "the harness prints the table")]

use crate::Plan;

/// Returns the median. For an even number of values, the result is the lower of the middle two.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}

/// Returns the median of the ratios of each round, so that a slow minute affects both sides.
pub(crate) fn ratio(values: &[f64], to: &[f64]) -> f64 {
    let ratios: Vec<f64> = values.iter().zip(to).map(|(value, to)| value / to).collect();
    median(&ratios)
}

/// Returns the difference between maximum and minimum, as a fraction of the median.
pub(crate) fn spread(values: &[f64]) -> f64 {
    let minimum = values.iter().copied().fold(f64::MAX, f64::min);
    let greatest = values.iter().copied().fold(f64::MIN, f64::max);
    (greatest - minimum) / median(values)
}

#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// The value has no target, and is printed for comparison.
    None,
}

pub(crate) fn print_heading(plan: &Plan) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{} round(s) of {} s, {cores} cores{}",
        plan.rounds,
        plan.seconds,
        if cfg!(debug_assertions) {
            "; an unoptimised build, whose times are meaningless"
        } else {
            ""
        }
    );
    println!("\n| work | measured | value | target | |\n|---|---|---:|---:|---|");
}

pub(crate) fn print(work: &str, what: &str, value: f64, unit: &str, target: Target) {
    let (target_text, is_met) = match target {
        Target::AtLeast(minimum) => (format!("≥ {minimum}"), Some(value >= minimum)),
        Target::AtMost(most) => (format!("≤ {most}"), Some(value <= most)),
        Target::None => (String::new(), None),
    };
    let verdict = match is_met {
        // Results of an unoptimised build are not judged.
        Some(is_met) if !cfg!(debug_assertions) => ["missed", "met"][usize::from(is_met)],
        _ => "",
    };
    let digits = if value.abs() >= 1_000.0 { 0 } else { 3 };
    println!("| {work} | {what} | {value:.digits$} {unit} | {target_text} | {verdict} |");
}
