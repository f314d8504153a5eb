//! Bars beside each other, as SVG.

use std::fmt::Write as _;

use super::escaped;

const WIDTH: f64 = 760.0;
const ROW: f64 = 22.0;

/// Where bars begin and how long the longest is.
const LEFT: f64 = 130.0;
const LONGEST: f64 = 440.0;

/// One bar for each name.
#[derive(Debug)]
pub(crate) struct Bars {
    pub(crate) title: String,
    /// What it is of, how long it is, and what is written behind it.
    pub(crate) rows: Vec<(String, f64, String)>,
}

impl Bars {
    pub(crate) fn svg(&self) -> String {
        let title = escaped(&self.title);
        let longest = self.rows.iter().map(|(_, value, _)| *value);
        let longest = longest.reduce(f64::max).filter(|longest| *longest > 0.0);
        let Some(longest) = longest else {
            return format!("<p>{title}: nothing was measured.</p>\n");
        };
        let height = ROW * self.rows.len() as f64 + 4.0;
        let mut svg = format!(
            "<figure>\n<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n"
        );
        let mut y = 0.0;
        for (name, value, text) in &self.rows {
            let (name, text) = (escaped(name), escaped(text));
            let length = (value / longest).clamp(0.0, 1.0) * LONGEST;
            let (middle, name_x) = (y + 15.0, LEFT - 8.0);
            let (bar_y, text_x) = (y + 4.0, LEFT + length + 8.0);
            // Writing to a string cannot fail.
            let _ = writeln!(
                svg,
                "<text x=\"{name_x}\" y=\"{middle}\" text-anchor=\"end\">{name}</text>\
                 <rect class=\"one\" x=\"{LEFT}\" y=\"{bar_y}\" width=\"{length:.1}\" height=\"14\"/>\
                 <text x=\"{text_x:.1}\" y=\"{middle}\">{text}</text>"
            );
            y += ROW;
        }
        let _ = writeln!(svg, "</svg>\n<figcaption>{title}</figcaption>\n</figure>");
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_as_long_as_may_be() {
        let row = |name: &str, value| (name.to_owned(), value, String::new());
        let bars = Bars {
            title: "t".to_owned(),
            rows: vec![row("<a>", 2.0), row("b", 1.0)],
        };
        let svg = bars.svg();
        assert!(svg.contains("width=\"440.0\"") && svg.contains("width=\"220.0\""));
        assert!(svg.contains("&lt;a&gt;"));
        let none = Bars {
            title: "t".to_owned(),
            rows: vec![row("a", 0.0)],
        };
        assert!(none.svg().contains("nothing was measured"));
    }
}
