//! The report of a run.

use std::io::{Result, Write};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

/// Named figures in the order in which they were added, and the problems of the run.
#[derive(Debug)]
pub struct Report {
    scenario: String,
    lines: Vec<(&'static str, f64, &'static str)>,
    problems: Vec<String>,
}

impl Report {
    /// Creates an empty report.
    pub fn new(scenario: impl Into<String>) -> Self {
        Self { scenario: scenario.into(), lines: Vec::new(), problems: Vec::new() }
    }

    /// Adds a figure.
    pub fn number(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.lines.push((name, value, unit));
    }

    /// Adds the usual percentiles of latencies in microseconds.
    pub fn latencies(&mut self, histogram: &Histogram<u32>) {
        for (name, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
            self.number(name, histogram.value_at_quantile(quantile) as f64, "µs");
        }
        self.number("max", histogram.max() as f64, "µs");
    }

    /// Adds CPU time: the server's time per unit of work, and the load of both sides.
    pub fn cpu(&mut self, per: &'static str, used: Used, work: u64) {
        if let Some(server) = used.server {
            let micros = server.as_micros() as f64;
            self.number(per, micros / work.max(1) as f64, "µs");
            self.number("server_cpu", 100.0 * server.as_secs_f64() / used.wall.as_secs_f64(), "%");
        }
        self.number("generator_cpu", 100.0 * used.own.as_secs_f64() / used.wall.as_secs_f64(), "%");
    }

    /// Adds a problem that makes the run invalid.
    pub fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    /// Returns whether the run has no problems.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// Returns the figures as JSON.
    pub fn json(&self) -> Value {
        let mut map = Map::new();
        map.insert("scenario".to_owned(), json!(self.scenario));
        for (name, value, _) in &self.lines {
            map.insert((*name).to_owned(), json!((value * 100.0).round() / 100.0));
        }
        map.insert("problems".to_owned(), json!(self.problems));
        Value::Object(map)
    }

    /// Writes a table for people and, below the table, one line of JSON for programs.
    ///
    /// # Errors
    /// Errors of the writer.
    pub fn write(&self, out: &mut impl Write) -> Result<()> {
        writeln!(out, "{}", self.scenario)?;
        for (name, value, unit) in &self.lines {
            writeln!(out, "  {name:<24} {value:>14.1} {unit}")?;
        }
        for problem in &self.problems {
            writeln!(out, "  PROBLEM: {problem}")?;
        }
        writeln!(out, "{}", self.json())
    }
}

/// CPU time that was used in a period.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// The length of the period.
    pub wall: Duration,
    /// The CPU time of the server, if its process is known.
    pub server: Option<Duration>,
    /// The CPU time of the generator.
    pub own: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_have_a_table_and_a_line_of_json() {
        let mut report = Report::new("echo");
        let used = Used {
            wall: Duration::from_secs(2),
            server: Some(Duration::from_secs(1)),
            own: Duration::from_millis(500),
        };
        report.cpu("cpu_per_call", used, 100_000);
        let mut out = Vec::new();
        report.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["cpu_per_call"], 10.0);
        assert_eq!(last["server_cpu"], 50.0);
        assert_eq!(last["generator_cpu"], 25.0);
        assert!(report.is_good());
        report.problem("lost");
        assert!(!report.is_good());
    }
}
