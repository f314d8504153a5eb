//! Lines over a common axis, as SVG.

use std::fmt::Write as _;

use super::{escaped, short};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 240.0;

/// Room around the lines: left for numbers, below for the axis.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 34.0;

/// Lines of the grid at most.
const GRID: f64 = 5.0;

/// What tells lines apart.
const CLASSES: [&str; 4] = ["one", "two", "three", "four"];

/// How values are spread over the height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// From 0 on, evenly.
    Linear,
    /// Each power of ten as high as the next.
    Logarithmic,
}

/// One line; it is broken where nothing is known.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, Option<f64>)>,
    /// Lower and upper end of each point, where there are any.
    pub(crate) ranges: Vec<(f64, f64, f64)>,
}

impl Line {
    pub(crate) fn new(name: &str, points: Vec<(f64, Option<f64>)>) -> Self {
        Self {
            name: name.to_owned(),
            points,
            ranges: Vec::new(),
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) at: f64,
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

/// Lines, what they are about, and what happened meanwhile.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x_name: String,
    pub(crate) scale: Scale,
    pub(crate) lines: Vec<Line>,
    pub(crate) marks: Vec<Mark>,
    /// Names for places of the axis, instead of numbers.
    pub(crate) places: Vec<(f64, String)>,
}

impl Chart {
    pub(crate) fn new(title: &str, x_name: &str, scale: Scale, lines: Vec<Line>) -> Self {
        Self {
            title: title.to_owned(),
            x_name: x_name.to_owned(),
            scale,
            lines,
            marks: Vec::new(),
            places: Vec::new(),
        }
    }

    /// The chart as a figure; a sentence where there is nothing to draw.
    pub(crate) fn svg(&self) -> String {
        let title = escaped(&self.title);
        let Some(plane) = Plane::of(self) else {
            return format!("<p>{title}: nothing was measured.</p>\n");
        };
        let mut svg = format!(
            "<figure>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n"
        );
        self.grid(&plane, &mut svg);
        for mark in &self.marks {
            mark.draw(&plane, &mut svg);
        }
        let mut name_at = LEFT;
        for (line, class) in self.lines.iter().zip(CLASSES.iter().cycle()) {
            line.draw(&plane, class, &mut svg);
            let name = escaped(&line.name);
            // Writing to a string cannot fail.
            let _ = writeln!(
                svg,
                "<text class=\"{class}\" x=\"{name_at}\" y=\"13\">{name}</text>"
            );
            name_at += 24.0 + 6.5 * line.name.chars().count() as f64;
        }
        let _ = writeln!(svg, "</svg>\n<figcaption>{title}</figcaption>\n</figure>");
        svg
    }

    fn grid(&self, plane: &Plane, svg: &mut String) {
        for value in plane.heights() {
            let y = plane.y(value);
            let (end, number) = (WIDTH - RIGHT, short(value));
            let (text_x, text_y) = (LEFT - 6.0, y + 4.0);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{end}\" y2=\"{y:.1}\"/>\
                 <text x=\"{text_x}\" y=\"{text_y:.1}\" text-anchor=\"end\">{number}</text>"
            );
        }
        let places = if self.places.is_empty() {
            let numbers = steps(plane.x_least, plane.x_most).into_iter();
            numbers.map(|at| (at, short(at))).collect()
        } else {
            self.places.clone()
        };
        for (at, name) in places {
            let (x, y, name) = (plane.x(at), HEIGHT - BOTTOM + 14.0, escaped(&name));
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{name}</text>"
            );
        }
        let (x, y, name) = (WIDTH - RIGHT, HEIGHT - 4.0, escaped(&self.x_name));
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{name}</text>"
        );
    }
}

impl Line {
    fn draw(&self, plane: &Plane, class: &str, svg: &mut String) {
        for part in self.points.split(|(_, value)| value.is_none()) {
            let known = part.iter().filter_map(|(x, value)| Some((*x, (*value)?)));
            let known: Vec<(f64, f64)> = known.collect();
            if let [(x, value)] = known.as_slice() {
                let (x, y) = (plane.x(*x), plane.y(*value));
                let _ = writeln!(
                    svg,
                    "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"
                );
            } else if !known.is_empty() {
                let mut points = String::new();
                for (x, value) in known {
                    let _ = write!(points, "{:.1},{:.1} ", plane.x(x), plane.y(value));
                }
                let points = points.trim_end();
                let _ = writeln!(svg, "<polyline class=\"{class}\" points=\"{points}\"/>");
            }
        }
        for (x, low, high) in &self.ranges {
            let (x, low, high) = (plane.x(*x), plane.y(*low), plane.y(*high));
            let _ = writeln!(
                svg,
                "<line class=\"range {class}\" x1=\"{x:.1}\" y1=\"{low:.1}\" x2=\"{x:.1}\" y2=\"{high:.1}\"/>"
            );
        }
    }
}

impl Mark {
    fn draw(&self, plane: &Plane, svg: &mut String) {
        let class = if self.is_error { "error" } else { "event" };
        let (x, bottom, text) = (plane.x(self.at), HEIGHT - BOTTOM, escaped(&self.text));
        // Errors stand at the foot, what happened to the cluster through the whole height.
        let top = if self.is_error { bottom - 18.0 } else { TOP };
        let _ = writeln!(
            svg,
            "<line class=\"{class}\" x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\"><title>{text}</title></line>"
        );
    }
}

/// From values to places.
struct Plane {
    x_least: f64,
    x_most: f64,
    least: f64,
    most: f64,
    scale: Scale,
}

impl Plane {
    /// `None` where nothing is known.
    fn of(chart: &Chart) -> Option<Self> {
        let points = chart.lines.iter().flat_map(|line| &line.points);
        let xs = points.clone().map(|(x, _)| *x);
        let ranges = chart.lines.iter().flat_map(|line| &line.ranges);
        let values = points
            .filter_map(|(_, value)| *value)
            .chain(ranges.flat_map(|(_, low, high)| [*low, *high]))
            .filter(|value| chart.scale == Scale::Linear || *value > 0.0);
        let most = values.clone().reduce(f64::max)?;
        let least = values.reduce(f64::min)?;
        let (least, most) = match chart.scale {
            Scale::Linear => (0.0, if most > 0.0 { most * 1.05 } else { 1.0 }),
            Scale::Logarithmic => (
                10_f64.powf(least.log10().floor()),
                10_f64.powf(
                    (most.log10() + 1e-9)
                        .ceil()
                        .max(least.log10().floor() + 1.0),
                ),
            ),
        };
        let x_least = xs.clone().reduce(f64::min)?;
        let x_most = xs.reduce(f64::max)?.max(x_least + 1e-9);
        Some(Self {
            x_least,
            x_most,
            least,
            most,
            scale: chart.scale,
        })
    }

    fn x(&self, x: f64) -> f64 {
        let share = (x - self.x_least) / (self.x_most - self.x_least);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.least) / (self.most - self.least),
            Scale::Logarithmic => {
                let at = value.max(self.least).log10() - self.least.log10();
                at / (self.most.log10() - self.least.log10())
            }
        };
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    /// Where lines of the grid are.
    fn heights(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => steps(self.least, self.most),
            Scale::Logarithmic => {
                let tens = std::iter::successors(Some(self.least), |ten| Some(ten * 10.0));
                tens.take_while(|ten| *ten <= self.most * 1.01)
                    .take(16)
                    .collect()
            }
        }
    }
}

/// Some round numbers between two.
fn steps(least: f64, most: f64) -> Vec<f64> {
    let rough = (most - least) / GRID;
    if rough <= 0.0 || !rough.is_finite() {
        return vec![least];
    }
    let ten = 10_f64.powf(rough.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * ten);
    let step = round
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let first = (least / step).ceil() * step;
    std::iter::successors(Some(first), |at| Some(at + step))
        .take_while(|at| *at <= most + step * 1e-9)
        .take(32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_where_nothing_is_known() {
        let points = vec![
            (0.0, Some(1.0)),
            (1.0, Some(2.0)),
            (2.0, None),
            (3.0, Some(4.0)),
        ];
        let mut chart = Chart::new(
            "a <title>",
            "s",
            Scale::Linear,
            vec![Line::new("l", points)],
        );
        chart.marks.push(Mark {
            at: 2.0,
            text: "3 failed".to_owned(),
            is_error: true,
        });
        let svg = chart.svg();
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(svg.contains("a &lt;title&gt;") && svg.contains("<title>3 failed</title>"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn places_are_within_the_picture_on_both_scales() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let points = vec![(1.0, Some(0.001)), (1.0, Some(5_000.0)), (1.0, Some(0.0))];
            let chart = Chart::new("t", "x", scale, vec![Line::new("l", points)]);
            let plane = Plane::of(&chart).unwrap();
            for value in [0.0, 0.001, 1.0, 5_000.0] {
                assert!((TOP..=HEIGHT - BOTTOM).contains(&plane.y(value)), "{value}");
            }
            assert!(plane.heights().len() >= 3);
        }
        let none = Chart::new(
            "t",
            "x",
            Scale::Linear,
            vec![Line::new("l", vec![(0.0, None)])],
        );
        assert!(none.svg().contains("nothing was measured"));
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(steps(0.0, 10.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(steps(3.0, 3.0), [3.0]);
        assert_eq!(steps(0.0, f64::INFINITY), [0.0]);
    }
}
