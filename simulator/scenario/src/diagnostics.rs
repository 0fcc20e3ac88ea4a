//! Mistakes in a scenario file: what, where, and what would be right.
//!
//! All of a file's mistakes are collected and told in the file's order, each with the offending text underlined. What
//! it takes to tell them grows with the file and not with its square: an excerpt is laid out from the lines around its
//! place alone, and people are shown the first mistakes of many.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::lines::Lines;
use super::model::Place;

/// How many mistakes of a file people are shown.
const SHOWN: usize = 100;
/// How many bytes of a file are laid out for one excerpt.
const EXCERPT: usize = 4096;
/// Of a longer line, how many bytes are shown on each side of a mistake.
const AROUND: usize = 60;

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
    lines: Lines,
    /// Its mistakes.
    mistakes: Vec<Diagnostic>,
}

impl Diagnostics {
    pub(super) fn new(file: &str, text: &str, mut mistakes: Vec<Diagnostic>) -> Self {
        debug_assert!(!mistakes.is_empty());
        mistakes.sort_by_key(|mistake| (mistake.span.start, mistake.span.end));
        Self { file: file.to_owned(), text: text.to_owned(), lines: Lines::of(text), mistakes }
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
        self.lines.place(&self.text, mistake.span.start)
    }

    /// The first 100 mistakes for people: an excerpt for each, separated by empty lines; and how many more there are.
    /// With `styled`, colours as ANSI sequences.
    pub fn render(&self, styled: bool) -> String {
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        let mut report = String::new();
        for mistake in self.mistakes.iter().take(SHOWN) {
            let title = Level::ERROR.primary_title(mistake.message.as_str());
            let group = if self.text.is_empty() {
                title.element(Origin::path(self.file.as_str()))
            } else {
                self.excerpts(Group::with_title(title), mistake)
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
        if let Some(more) = self.mistakes.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let mistakes = if more == 1 { "mistake" } else { "mistakes" };
            report += &format!("\n… and {more} more {mistakes} in {}\n", self.file);
        }
        report
    }

    /// The text around a mistake, and around the other place that matters: in one excerpt if they stand close together.
    fn excerpts<'a>(&'a self, group: Group<'a>, mistake: &'a Diagnostic) -> Group<'a> {
        let primary = (AnnotationKind::Primary, self.one_line(&mistake.span), mistake.label.as_str());
        let related = mistake.related.as_ref();
        let related = related.map(|(span, label)| (AnnotationKind::Context, self.one_line(span), label.as_str()));
        let lines = |(_, span, _): &Marked<'_>| self.lines.around(&self.text, span.start);
        let whole = match &related {
            Some(related) => {
                let (one, other) = (lines(&primary), lines(related));
                one.start.min(other.start)..one.end.max(other.end)
            }
            None => lines(&primary),
        };
        if whole.len() <= EXCERPT {
            return group.element(self.snippet(whole, [Some(primary), related].into_iter().flatten()));
        }
        [Some(primary), related].into_iter().flatten().fold(group, |group, marked| {
            let line = lines(&marked);
            if line.len() <= EXCERPT {
                return group.element(self.snippet(line, [marked]));
            }
            let (_, span, _) = &marked;
            let Place { line: number, column } = self.lines.place(&self.text, span.start);
            let origin = Origin::path(self.file.as_str()).line(number as usize).char_column(column as usize);
            let start = self.text.floor_char_boundary(span.start.saturating_sub(AROUND)).max(line.start);
            let end = self.text.ceil_char_boundary((span.start + AROUND).min(line.end));
            group.element(origin).element(self.part(start..end, [marked]))
        })
    }

    /// Some whole lines with their file's name.
    fn snippet<'a>(
        &'a self,
        lines: Range<usize>,
        marked: impl IntoIterator<Item = Marked<'a>>,
    ) -> Snippet<'a, Annotation<'a>> {
        self.part(lines, marked).path(self.file.as_str())
    }

    /// A part of the text with places in it underlined.
    fn part<'a>(
        &'a self,
        part: Range<usize>,
        marked: impl IntoIterator<Item = Marked<'a>>,
    ) -> Snippet<'a, Annotation<'a>> {
        let within = |at: usize| at.clamp(part.start, part.end) - part.start;
        let first = self.lines.place(&self.text, part.start).line as usize;
        let annotations =
            marked.into_iter().map(|(kind, span, label)| kind.span(within(span.start)..within(span.end)).label(label));
        Snippet::source(&self.text[part.clone()]).line_start(first).annotations(annotations.collect::<Vec<_>>())
    }

    /// A span's part on its first line: a whole table underlined hides the place.
    fn one_line(&self, span: &Range<usize>) -> Range<usize> {
        let text = self.text.get(span.clone()).unwrap_or_default();
        let end = text.find(['\n', '\r']).map_or(span.end, |length| span.start + length);
        span.start..end.min(self.text.len())
    }
}

/// A place to underline, and what to say under it.
type Marked<'a> = (AnnotationKind, Range<usize>, &'a str);

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
