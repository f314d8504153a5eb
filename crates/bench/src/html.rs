//! Pages that stand alone: one file, which loads nothing from anywhere and runs no script.

mod bars;
mod chart;

use std::fmt::Write as _;

pub(crate) use bars::Bars;
pub(crate) use chart::{Chart, Line, Mark, Scale};

const STYLE: &str = include_str!("html/style.css");

/// A page that is being written. All text that is given to it is escaped.
#[derive(Debug)]
pub(crate) struct Page {
    body: String,
    title: String,
}

impl Page {
    pub(crate) fn new(title: &str) -> Self {
        let mut page = Self {
            body: String::new(),
            title: escaped(title),
        };
        let heading = format!("<h1>{}</h1>\n", page.title);
        page.body += &heading;
        page
    }

    pub(crate) fn heading(&mut self, text: &str) {
        self.line("<h2>", text, "</h2>");
    }

    /// A paragraph that stands out: `bad` in red, else as a note.
    pub(crate) fn notice(&mut self, text: &str, is_bad: bool) {
        let begin = if is_bad {
            "<p class=\"notice bad\">"
        } else {
            "<p class=\"notice\">"
        };
        self.line(begin, text, "</p>");
    }

    fn line(&mut self, begin: &str, text: &str, end: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.body, "{begin}{}{end}", escaped(text));
    }

    /// Text with its own columns.
    pub(crate) fn verbatim(&mut self, text: &str) {
        self.line("<pre>", text.trim_matches('\n'), "</pre>");
    }

    /// Names and what they are.
    pub(crate) fn facts(&mut self, facts: &[(&str, String)]) {
        self.body += "<dl>\n";
        for (name, value) in facts {
            let (name, value) = (escaped(name), escaped(value));
            let _ = writeln!(self.body, "<dt>{name}</dt><dd>{value}</dd>");
        }
        self.body += "</dl>\n";
    }

    /// A table; the first column is text, the others are numbers.
    pub(crate) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        self.body += "<div class=\"wide\"><table>\n<thead><tr>";
        for name in head {
            let _ = write!(self.body, "<th>{}</th>", escaped(name));
        }
        self.body += "</tr></thead>\n<tbody>\n";
        for row in rows {
            self.body += "<tr>";
            for cell in row {
                let _ = write!(self.body, "<td>{}</td>", escaped(cell));
            }
            self.body += "</tr>\n";
        }
        self.body += "</tbody></table></div>\n";
    }

    pub(crate) fn chart(&mut self, chart: &Chart) {
        self.body += &chart.svg();
    }

    pub(crate) fn bars(&mut self, bars: &Bars) {
        self.body += &bars.svg();
    }

    /// The whole page.
    pub(crate) fn end(self) -> String {
        let Self { body, title } = self;
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
        )
    }
}

/// Text that is no markup, without control characters: what servers say is untrusted.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            '\n' => safe.push('\n'),
            letter if letter.is_control() => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    safe
}

/// A number as short as it may be: 1,234 as it is, 0.00123 to three digits.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    let digits = if size == 0.0 || size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else if size >= 1.0 {
        2
    } else {
        3
    };
    let text = format!("{value:.digits$}");
    if digits > 0 {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_no_markup() {
        let mut page = Page::new("<script>alert(1)</script>");
        page.heading("a & b \u{1b}[31m");
        page.facts(&[("a\"b", "<img src=x onerror='x'>".to_owned())]);
        page.table(&["<b>"], &[vec!["<i>".to_owned()]]);
        page.notice("<u>", true);
        let text = page.end();
        for markup in ["<script", "<img", "<b>", "<i>", "<u>", "\u{1b}"] {
            assert!(!text.contains(markup), "{markup}");
        }
        assert!(text.contains("&lt;script&gt;alert(1)"));
        assert!(text.contains("a &amp; b \u{fffd}[31m"));
    }

    #[test]
    fn numbers_are_short() {
        let shown: Vec<String> = [0.0, 1234.5, 12.34, 2.5, 0.25, 0.0001]
            .into_iter()
            .map(short)
            .collect();
        assert_eq!(shown, ["0", "1234", "12.3", "2.5", "0.25", "0"]);
    }
}
