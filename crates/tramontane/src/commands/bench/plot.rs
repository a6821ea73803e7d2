//! The roofline as a picture: what the machine allows at each ratio of operations to bytes, and where the tests are.
//!
//! Both axes are logarithmic. Colours follow the reader's light or dark setting.

use std::fmt::Write;

use crate::ceilings::Ceilings;

/// A test: operations for each byte, operations a second, and what is written beside it.
pub(super) struct Point {
    pub(super) intensity: f64,
    pub(super) rate: f64,
    pub(super) label: String,
}

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 500.0;
/// Left, top, right, bottom.
const MARGINS: [f64; 4] = [80.0, 60.0, 30.0, 60.0];
/// Between the labels of points.
const LINE_HEIGHT: f64 = 17.0;

/// Plain classes: not every viewer knows variables.
const STYLE: &str = "\
.paper{fill:#ffffff}text{font:13px system-ui,sans-serif;fill:#1d1d1f}.soft{fill:#6e6e73}.title{font-size:15px;\
font-weight:600}.grid{stroke:#e3e3e6}.roof{stroke:#0b5fa5;stroke-width:2}.float{stroke:#8a5a00;stroke-width:1.5;\
stroke-dasharray:6 4}.point{fill:#c0392b}\
@media(prefers-color-scheme:dark){.paper{fill:#1c1c1e}text{fill:#f2f2f4}.soft{fill:#98989d}.grid{stroke:#38383c}\
.roof{stroke:#64b5f6}.float{stroke:#e0b050}.point{fill:#ff7b6b}}";

/// The whole file.
pub(super) fn svg(title: &str, ceilings: &Ceilings, points: &[Point]) -> String {
    let plot = Plot::new(ceilings, points);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\">\n\
         <style>{STYLE}</style>\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" class=\"paper\"/>\n\
         <text class=\"title\" x=\"{1}\" y=\"32\">{0}</text>\n",
        escaped(title),
        MARGINS[0]
    );
    plot.grid(&mut out);
    plot.roofs(&mut out, ceilings);
    plot.points(&mut out, points);
    out.push_str("</svg>\n");
    out
}

/// Whole decades that hold everything.
struct Plot {
    x: [f64; 2],
    y: [f64; 2],
}

impl Plot {
    fn new(ceilings: &Ceilings, points: &[Point]) -> Self {
        let peak = ceilings.int8_per_second.max(ceilings.f32_per_second);
        let ridge = ceilings.read_bytes_per_second.map(|rate| peak / rate);
        let decades = |values: &mut dyn Iterator<Item = f64>| {
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for value in values.filter(|value| value.is_finite() && *value > 0.0) {
                (low, high) = (low.min(value.log10().floor()), high.max(value.log10().ceil()));
            }
            [low.min(high - 1.0), high.max(low + 1.0)]
        };
        Self {
            x: decades(&mut points.iter().map(|point| point.intensity).chain(ridge)),
            y: decades(&mut points.iter().map(|point| point.rate).chain([peak, ceilings.f32_per_second])),
        }
    }

    fn place(value: f64, [low, high]: [f64; 2], from: f64, to: f64) -> f64 {
        from + (value.log10() - low) / (high - low) * (to - from)
    }

    fn at_x(&self, value: f64) -> f64 {
        Self::place(value, self.x, MARGINS[0], WIDTH - MARGINS[2])
    }

    fn at_y(&self, value: f64) -> f64 {
        Self::place(value, self.y, HEIGHT - MARGINS[3], MARGINS[1])
    }

    fn grid(&self, out: &mut String) {
        let [left, top, right, bottom] = [MARGINS[0], MARGINS[1], WIDTH - MARGINS[2], HEIGHT - MARGINS[3]];
        for power in self.x[0] as i32..=self.x[1] as i32 {
            let (value, x) = (10f64.powi(power), self.at_x(10f64.powi(power)));
            line(out, "grid", [(x, top), (x, bottom)]);
            text(out, "soft", "middle", (x, bottom + 20.0), &format!("{value}"));
        }
        for power in self.y[0] as i32..=self.y[1] as i32 {
            let (value, y) = (10f64.powi(power), self.at_y(10f64.powi(power)));
            line(out, "grid", [(left, y), (right, y)]);
            text(out, "soft", "end", (left - 8.0, y + 4.0), &short(value));
        }
        text(out, "", "middle", ((left + right) / 2.0, bottom + 44.0), "operations for each byte read");
        text(out, "", "start", (left, top - 12.0), "operations a second");
    }

    /// The slope of memory up to the int8 peak; the f32 peak beside it.
    fn roofs(&self, out: &mut String, ceilings: &Ceilings) {
        let (start, end) = (10f64.powf(self.x[0]), 10f64.powf(self.x[1]));
        let Ceilings { read_bytes_per_second, int8_per_second, f32_per_second } = *ceilings;
        let bottom = 10f64.powf(self.y[0]);
        let from = |peak: f64| read_bytes_per_second.map_or(start, |rate| (peak / rate).clamp(start, end));
        if let Some(rate) = read_bytes_per_second {
            // Where the slope comes in from below or from the left.
            let first = start.max(bottom / rate);
            let ridge = from(int8_per_second);
            line(
                out,
                "roof",
                [(self.at_x(first), self.at_y(first * rate)), (self.at_x(ridge), self.at_y(ridge * rate))],
            );
            let label = format!("memory {:.0} GB/s", rate / 1e9);
            text(out, "soft", "start", (self.at_x(first) + 24.0, self.at_y(first * rate) + 8.0), &label);
        }
        for (class, name, peak) in [("roof", "int8", int8_per_second), ("float", "f32", f32_per_second)] {
            let y = self.at_y(peak);
            line(out, class, [(self.at_x(from(peak)), y), (self.at_x(end), y)]);
            text(out, "soft", "end", (self.at_x(end), y - 6.0), &format!("{name} {}", short(peak)));
        }
    }

    fn points(&self, out: &mut String, points: &[Point]) {
        let mut places: Vec<_> = points.iter().map(|p| (self.at_x(p.intensity), self.at_y(p.rate), &p.label)).collect();
        places.sort_by(|a, b| a.1.total_cmp(&b.1));
        // Labels stand beside their points; what would cover another goes below it. One column for each side.
        let mut last = [f64::NEG_INFINITY; 2];
        for (x, y, label) in places {
            let left = x > WIDTH * 0.6;
            let label_y = (y + 4.0).max(last[usize::from(left)] + LINE_HEIGHT);
            last[usize::from(left)] = label_y;
            let (anchor, label_x) = if left { ("end", x - 12.0) } else { ("start", x + 12.0) };
            write(out, format_args!("<circle class=\"point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>\n"));
            text(out, "", anchor, (label_x, label_y), label);
        }
    }
}

fn line(out: &mut String, class: &str, [(x1, y1), (x2, y2)]: [(f64, f64); 2]) {
    write(out, format_args!("<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>\n"));
}

fn text(out: &mut String, class: &str, anchor: &str, (x, y): (f64, f64), text: &str) {
    let text = escaped(text);
    write(
        out,
        format_args!("<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>\n"),
    );
}

fn write(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(arguments);
}

/// `2.2e12` → `2.2 T`.
pub(super) fn short(value: f64) -> String {
    let units = [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")];
    let (unit, name) = units.into_iter().find(|(unit, _)| value >= *unit).unwrap_or((1.0, ""));
    let value = value / unit;
    if value >= 10.0 || value.fract() == 0.0 { format!("{value:.0}{name}") } else { format!("{value:.1}{name}") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_inside_and_nothing_unescaped() {
        let ceilings = Ceilings { read_bytes_per_second: Some(4e10), int8_per_second: 2e12, f32_per_second: 5e11 };
        let point = |intensity, rate| Point { intensity, rate, label: "<tg> & \"x\"".to_owned() };
        let picture = svg("a < b", &ceilings, &[point(0.3, 1e9), point(3e4, 1.9e12), point(3e4, 1.8e12)]);
        assert!(picture.contains("&lt;tg&gt; &amp; &quot;x&quot;") && !picture.contains("NaN"), "{picture}");
        assert_eq!(picture.matches("<circle").count(), 3);
        for (name, most) in [("cx=\"", WIDTH), ("cy=\"", HEIGHT), ("x1=\"", WIDTH), ("y2=\"", HEIGHT)] {
            for value in picture.split(name).skip(1) {
                let value: f64 = value.split('"').next().unwrap().parse().unwrap();
                assert!((0.0..=most).contains(&value), "{name}{value}");
            }
        }
        // Without memory to measure there is no slope.
        let blind = Ceilings { read_bytes_per_second: None, ..ceilings };
        assert!(!svg("", &blind, &[point(1.0, 1e9)]).contains("GB/s"));
    }

    #[test]
    fn short_numbers() {
        assert_eq!([1e9, 2.16e12, 5.4e11, 10.0].map(short), ["1 G", "2.2 T", "540 G", "10"]);
    }
}
