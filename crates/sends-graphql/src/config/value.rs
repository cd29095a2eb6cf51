//! Reading single values, and gathering what is wrong with any of them.

use std::time::Duration;

use super::Problem;

/// What was wrong so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

impl Problems {
    /// The value, or a note of what is wrong with it.
    pub(super) fn keep<T>(&mut self, checked: Result<T, Problem>) -> Option<T> {
        checked.map_err(|problem| self.0.push(problem)).ok()
    }

    pub(super) fn note<T>(&mut self, problem: Problem) -> Option<T> {
        self.0.push(problem);
        None
    }

    /// What was made of the values, unless something was wrong with one.
    pub(super) fn or<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

impl From<Problems> for Vec<Problem> {
    fn from(problems: Problems) -> Self {
        problems.0
    }
}

pub(super) fn seconds(option: &'static str, text: &str, least: f64, most: f64) -> Result<Duration, Problem> {
    match text.trim().parse::<f64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(Duration::from_secs_f64(number)),
        _ => Err(Problem::value(
            option,
            text,
            format!("a number of seconds from {least} to {most}"),
        )),
    }
}

pub(super) fn number(option: &'static str, text: &str, most: u64) -> Result<u64, Problem> {
    number_from(option, text, 0, most)
}

pub(super) fn number_from(option: &'static str, text: &str, least: u64, most: u64) -> Result<u64, Problem> {
    match text.trim().parse::<u64>() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(Problem::value(
            option,
            text,
            format!("a number from {least} to {most}"),
        )),
    }
}

pub(super) fn switch(option: &'static str, text: &str) -> Result<bool, Problem> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" | "" => Ok(false),
        _ => Err(Problem::value(option, text, "true or false")),
    }
}
