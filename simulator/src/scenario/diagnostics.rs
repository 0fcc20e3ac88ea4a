//! Mistakes in a scenario file: what, where, and what would be right.
//!
//! All of a file's mistakes are collected and told in the file's order, each with the offending text underlined.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::model::Place;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, a fragment.
    pub message: String,
    /// Which bytes of the file are.
    pub span: Range<usize>,
    /// What to say under them.
    pub label: String,
    /// Another place that matters, and why.
    pub related: Option<(Range<usize>, String)>,
    /// What would be right.
    pub help: Option<String>,
}

impl Diagnostic {
    pub(super) fn new(message: impl Into<String>, span: Range<usize>, label: impl Into<String>) -> Self {
        Self { message: message.into(), span, label: label.into(), related: None, help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn related(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.related = Some((span, label.into()));
        self
    }
}

/// The mistakes of one file, in its order; never empty.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    /// The file's name as it was given.
    pub file: String,
    /// Its text; empty if it could not be read.
    text: String,
    /// Its mistakes.
    mistakes: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(super) fn new(file: &str, text: &str, mut mistakes: Vec<Diagnostic>) -> Self {
        debug_assert!(!mistakes.is_empty());
        mistakes.sort_by_key(|mistake| (mistake.span.start, mistake.span.end));
        Self { file: file.to_owned(), text: text.to_owned(), mistakes }
    }

    /// A file without a text to point into: it could not be read.
    pub(super) fn unreadable(file: &str, message: String) -> Self {
        Self::new(file, "", vec![Diagnostic::new(message, 0..0, "")])
    }

    /// The mistakes, in the file's order.
    pub fn mistakes(&self) -> &[Diagnostic] {
        &self.mistakes
    }

    /// Where a mistake begins.
    pub fn place(&self, mistake: &Diagnostic) -> Place {
        place(&self.text, mistake.span.start)
    }

    /// The mistakes for people: an excerpt for each, separated by empty lines. With `styled`, colours as ANSI sequences.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let mut report = String::new();
        for mistake in &self.mistakes {
            let title = Level::ERROR.primary_title(mistake.message.as_str());
            let group = if self.text.is_empty() {
                title.element(annotate_snippets::Origin::path(self.file.as_str()))
            } else {
                let primary = AnnotationKind::Primary.span(self.one_line(&mistake.span)).label(mistake.label.as_str());
                let snippet = Snippet::source(self.text.as_str()).path(self.file.as_str()).annotation(primary);
                let snippet = match &mistake.related {
                    Some((span, label)) => {
                        snippet.annotation(AnnotationKind::Context.span(self.one_line(span)).label(label.as_str()))
                    }
                    None => snippet,
                };
                title.element(snippet)
            };
            let group = match &mistake.help {
                Some(help) => group.element(Level::HELP.message(help.as_str())),
                None => group,
            };
            if !report.is_empty() {
                report.push('\n');
            }
            report.push_str(&renderer.render(&[group]));
            report.push('\n');
        }
        report
    }

    /// A span's part on its first line: a whole table underlined hides the place.
    fn one_line(&self, span: &Range<usize>) -> Range<usize> {
        let text = self.text.get(span.clone()).unwrap_or_default();
        let end = text.find(['\n', '\r']).map_or(span.end, |length| span.start + length);
        span.start..end.min(self.text.len())
    }
}

/// One line for each mistake: `file:line:column: message`.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            let Place { line, column } = self.place(mistake);
            let separator = if index == 0 { "" } else { "\n" };
            if self.text.is_empty() {
                write!(f, "{separator}{}: {}", self.file, mistake.message)?;
            } else {
                write!(f, "{separator}{}:{line}:{column}: {}", self.file, mistake.message)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Line and column of a byte of a text.
pub(super) fn place(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Place { line: count(before.matches('\n').count() + 1), column: count(before[line_start..].chars().count() + 1) }
}
