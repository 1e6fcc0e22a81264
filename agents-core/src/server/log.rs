//! The subscriber of the log for programs that install none of their own.

use std::env;
use std::io::{self, IsTerminal, Write};

use tracing::dispatcher;
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::filter::{Directive, EnvFilter};

use crate::error::{Error, Result};
use crate::support::nearest::nearest;
use crate::support::single_line::SingleLine;

const FORMAT: &str = "AGENTS_LOG_FORMAT";
const FILTER: &str = "RUST_LOG";
/// The filter without the variable.
const DEFAULT_FILTER: &str = "info";
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// Other words for levels, each with its level.
const SYNONYMS: [(&str, &str); 3] = [("warning", "warn"), ("fatal", "error"), ("verbose", "debug")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

/// Installs a subscriber that writes the log to stderr, and returns `true`; returns `false` and does nothing
/// if the program has installed a subscriber already.
///
/// [`Agents::run`](crate::Agents::run) calls this function. A program that calls
/// [`Agents::serve`](crate::Agents::serve) or [`Agents::start`](crate::Agents::start) calls it first.
///
/// | variable | value | default |
/// |---|---|---|
/// | `RUST_LOG` | the levels, for example `info,agents::call=debug` | `info` |
/// | `AGENTS_LOG_FORMAT` | `text`, or `json` for one JSON object a line | `text` |
///
/// Text has colours if stderr is a terminal and the variable `NO_COLOR` is not set. A directive of `RUST_LOG`
/// that is misspelt is reported on stderr, and the other directives apply.
///
/// ```
/// # fn main() -> agents_core::Result<()> {
/// agents_core::log()?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Fails with the code `log_format` when `AGENTS_LOG_FORMAT` has another value.
pub fn log() -> Result<bool> {
    if !is_off() {
        return Ok(false);
    }
    let format = format(&variable(FORMAT))?;
    let (filter, problems) = filter(&variable(FILTER));
    let colours = io::stderr().is_terminal() && variable("NO_COLOR").is_empty();
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(io::stderr);
    let installed = match format {
        Format::Text => subscriber.try_init(),
        Format::Json => subscriber.json().flatten_event(true).with_current_span(false).try_init(),
    };
    if installed.is_err() {
        return Ok(false);
    }
    for problem in problems {
        // If stderr is closed, the problem cannot be reported.
        let _ = writeln!(io::stderr(), "{FILTER}: {problem}");
    }
    Ok(true)
}

/// Returns whether no subscriber is installed.
pub(super) fn is_off() -> bool {
    dispatcher::get_default(|log| log.is::<NoSubscriber>())
}

/// Returns the value of an environment variable; a variable that is not set is empty.
fn variable(name: &str) -> String {
    env::var_os(name).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default()
}

fn format(value: &str) -> Result<Format> {
    match value {
        "" | "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        other => {
            let message = format!(
                "{FORMAT} is `{}`, which is no format of the log: use `text` or `json`",
                SingleLine(other)
            );
            Err(Error::new("log_format", message))
        }
    }
}

/// Returns the filter of the directives that can be used, and the problems of the others.
fn filter(directives: &str) -> (EnvFilter, Vec<String>) {
    let (mut usable, mut problems) = (Vec::new(), Vec::new());
    for directive in directives.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
        match directive.parse::<Directive>() {
            Ok(_) => {
                usable.push(directive);
                problems.extend(doubt(directive));
            }
            Err(error) => {
                let why = unknown_level(directive).unwrap_or_else(|| error.to_string());
                problems.push(format!("`{}` is ignored: {why}", SingleLine(directive)));
            }
        }
    }
    let filter = if usable.is_empty() { DEFAULT_FILTER.to_owned() } else { usable.join(",") };
    (EnvFilter::new(filter), problems)
}

/// Returns the reason why a directive with an unknown level cannot be used.
fn unknown_level(directive: &str) -> Option<String> {
    let (_, level) = directive.rsplit_once('=')?;
    let levels = "the levels are off, error, warn, info, debug and trace";
    Some(match meant(level) {
        Some(meant) => format!("there is no level `{}`, use `{meant}` ({levels})", SingleLine(level)),
        None => format!("there is no level `{}` ({levels})", SingleLine(level)),
    })
}

/// Returns a doubt about a directive that is valid, but means something else than it seems to.
fn doubt(directive: &str) -> Option<String> {
    let is_level = |word: &str| LEVELS.contains(&&*word.to_ascii_lowercase());
    if directive.contains(['=', '[']) || is_level(directive) || directive.parse::<u8>().is_ok() {
        return None;
    }
    let meant = match directive.rsplit_once(':') {
        Some((target, level)) if is_level(level) => {
            format!("write `{}={level}`", target.trim_end_matches(':'))
        }
        Some(_) => return None,
        None => format!("for the level write `{}`", meant(directive)?),
    };
    Some(format!("`{directive}` is read as the name of a target: {meant}"))
}

/// Returns the level that a word probably means.
fn meant(word: &str) -> Option<&'static str> {
    let words = LEVELS.into_iter().chain(SYNONYMS.map(|(synonym, _)| synonym));
    let found = nearest(word, words)?;
    let level = SYNONYMS.iter().find(|(synonym, _)| *synonym == found).map(|(_, level)| *level);
    Some(level.unwrap_or(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_has_a_name() {
        assert_eq!(format("").unwrap(), Format::Text);
        assert_eq!(format("text").unwrap(), Format::Text);
        assert_eq!(format("json").unwrap(), Format::Json);
        let error = format("JSON\n").unwrap_err();
        assert_eq!(
            format!("{error:?}"),
            r"AGENTS_LOG_FORMAT is `JSON\n`, which is no format of the log: use `text` or `json` (log_format)"
        );
    }

    #[test]
    fn misspelt_directives_are_reported_and_the_others_apply() {
        let levels = "(the levels are off, error, warn, info, debug and trace)";
        for (text, applied, problem) in [
            ("", "info", None),
            (" , ", "info", None),
            ("debug", "debug", None),
            ("info, agents::call=debug", "agents::call=debug,info", None),
            ("WARN", "warn", None),
            ("my_app", "my_app=trace", None),
            ("my_app::service", "my_app::service=trace", None),
            (
                "agents=debgu",
                "info",
                Some(format!("`agents=debgu` is ignored: there is no level `debgu`, use `debug` {levels}")),
            ),
            (
                "agents=loud,warn",
                "warn",
                Some(format!("`agents=loud` is ignored: there is no level `loud` {levels}")),
            ),
            (
                "agents=warning",
                "info",
                Some(format!(
                    "`agents=warning` is ignored: there is no level `warning`, use `warn` {levels}"
                )),
            ),
            (
                "debgu",
                "debgu=trace",
                Some("`debgu` is read as the name of a target: for the level write `debug`".to_owned()),
            ),
            (
                "Verbose",
                "Verbose=trace",
                Some("`Verbose` is read as the name of a target: for the level write `debug`".to_owned()),
            ),
            (
                "agents:debug",
                "agents:debug=trace",
                Some("`agents:debug` is read as the name of a target: write `agents=debug`".to_owned()),
            ),
        ] {
            let (filter, problems) = filter(text);
            assert_eq!(filter.to_string(), applied, "{text}");
            assert_eq!(problems, Vec::from_iter(problem), "{text}");
        }
    }
}
