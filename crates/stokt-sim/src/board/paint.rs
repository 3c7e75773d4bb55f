//! Draws holds: coloured resin with light from the top left, shadows, bolts, pockets and chalk.

use std::f64::consts::TAU;

use tiny_skia::{
    Color, FillRule, GradientStop, LinearGradient, Paint, Path, PathBuilder, Pixmap, Point, RadialGradient,
    Rect, Shader, SpreadMode, Stroke, Transform,
};

use super::holds::{FULL_SIZE, Kind, Shape};
use crate::rng::Rng;

type Rgb = (u8, u8, u8);

/// One colour per entry of `holds::COLOURS`.
const RESIN: [Rgb; 12] = [
    (242, 190, 28),
    (206, 41, 46),
    (34, 98, 186),
    (40, 148, 76),
    (236, 112, 30),
    (122, 62, 160),
    (226, 74, 142),
    (46, 46, 50),
    (226, 224, 216),
    (84, 196, 186),
    (128, 92, 60),
    (150, 204, 52),
];
/// Volumes are of wood, painted or bare.
const PAINTED: [Rgb; 4] = [(176, 132, 84), (58, 62, 70), (196, 150, 98), (40, 92, 120)];

fn mixed(colour: Rgb, with: Rgb, part: f32) -> Rgb {
    let mix = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * part).clamp(0.0, 255.0) as u8;
    (mix(colour.0, with.0), mix(colour.1, with.1), mix(colour.2, with.2))
}

fn rgba(colour: Rgb, alpha: u8) -> Color {
    Color::from_rgba8(colour.0, colour.1, colour.2, alpha)
}

const WHITE: Rgb = (255, 252, 244);
const BLACK: Rgb = (14, 10, 8);

/// The outline of a hold, scaled about its centre and moved; with round corners unless it is a volume.
fn outline(shape: &Shape, scale: f64, dx: f64, dy: f64) -> Option<Path> {
    let points: Vec<(f32, f32)> = shape
        .outline
        .iter()
        .map(|p| {
            let x = shape.centre.x + (p.x - shape.centre.x) * scale + dx;
            let y = shape.centre.y + (p.y - shape.centre.y) * scale + dy;
            (x as f32, y as f32)
        })
        .collect();
    let mut path = PathBuilder::new();
    let next = points.iter().cycle().skip(1);
    if shape.kind == Kind::Volume {
        for (index, (x, y)) in points.iter().enumerate() {
            if index == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
        }
    } else {
        let middle =
            |a: &(f32, f32), b: &(f32, f32), part: f32| (a.0 + (b.0 - a.0) * part, a.1 + (b.1 - a.1) * part);
        for (index, (here, after)) in points.iter().zip(next).enumerate() {
            // Straight along the middle of an edge, round about the corner.
            let (from, to) = (middle(here, after, 0.34), middle(here, after, 0.66));
            if index == 0 {
                path.move_to(from.0, from.1);
            } else {
                path.quad_to(here.0, here.1, from.0, from.1);
            }
            path.line_to(to.0, to.1);
        }
        if let (Some(first), Some(second)) = (points.first(), points.get(1)) {
            let from = middle(first, second, 0.34);
            path.quad_to(first.0, first.1, from.0, from.1);
        }
    }
    path.close();
    path.finish()
}

struct Painter<'a> {
    canvas: &'a mut Pixmap,
    /// Pixels of this picture per pixel of the full size.
    scale: f64,
    rng: Rng,
}

/// Draws all holds, those that lie flat first.
pub(crate) fn holds(canvas: &mut Pixmap, shapes: &[Shape], seed: u64) {
    let scale = f64::from(canvas.width()) / f64::from(FULL_SIZE.0);
    let mut painter = Painter { canvas, scale, rng: Rng::part(seed, 61) };
    for shape in shapes {
        painter.shadow(shape);
    }
    for shape in shapes {
        painter.hold(shape);
    }
}

impl Painter<'_> {
    fn fill(&mut self, path: Option<Path>, shader: Shader<'_>) {
        if let Some(path) = path {
            let paint = Paint { shader, anti_alias: true, ..Paint::default() };
            self.canvas.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
        }
    }

    fn tint(&mut self, path: Option<Path>, colour: Color) {
        self.fill(path, Shader::SolidColor(colour));
    }

    fn line(&mut self, path: Option<Path>, width: f64, colour: Color) {
        if let Some(path) = path {
            let paint = Paint { shader: Shader::SolidColor(colour), anti_alias: true, ..Paint::default() };
            let stroke = Stroke { width: (width * self.scale) as f32, ..Stroke::default() };
            self.canvas.stroke_path(&path, &paint, &stroke, Transform::identity(), None);
        }
    }

    fn circle(&mut self, x: f64, y: f64, radius: f64, colour: Color) {
        self.tint(PathBuilder::from_circle(x as f32, y as f32, radius as f32), colour);
    }

    /// How far a hold stands out from the wall, in pixels: the length of its shadow.
    fn depth(&self, shape: &Shape) -> f64 {
        let part = match shape.kind {
            Kind::Volume => 0.2,
            Kind::Sloper | Kind::Pinch | Kind::Jug => 0.34,
            Kind::Pocket => 0.3,
            Kind::Crimp | Kind::Chip => 0.26,
        };
        shape.reach * part
    }

    fn shadow(&mut self, shape: &Shape) {
        let depth = self.depth(shape);
        for step in 0..3_u8 {
            let part = f64::from(step) / 2.0;
            let path = outline(shape, 1.08 - 0.05 * part, depth * 0.35 * part, depth * part);
            self.tint(path, rgba((40, 22, 8), 54));
        }
    }

    fn hold(&mut self, shape: &Shape) {
        let rng = &mut self.rng;
        let colour = match shape.kind {
            Kind::Volume => rng.pick(&PAINTED),
            _ => RESIN.get(usize::from(shape.colour)).copied().unwrap_or(WHITE),
        };
        // Old holds are paler.
        let colour = mixed(colour, (176, 164, 150), rng.range(0.0, 0.22) as f32);
        let reach = shape.reach;
        let c = shape.centre;
        let top_left = Point::from_xy((c.x - reach * 0.75) as f32, (c.y - reach * 0.9) as f32);
        let bottom_right = Point::from_xy((c.x + reach * 0.6) as f32, (c.y + reach * 0.95) as f32);
        let body = LinearGradient::new(
            top_left,
            bottom_right,
            vec![
                GradientStop::new(0.0, rgba(mixed(colour, WHITE, 0.34), 255)),
                GradientStop::new(0.42, rgba(colour, 255)),
                GradientStop::new(1.0, rgba(mixed(colour, BLACK, 0.5), 255)),
            ],
            SpreadMode::Pad,
            Transform::identity(),
        );
        if let Some(body) = body {
            self.fill(outline(shape, 1.0, 0.0, 0.0), body);
        }
        self.line(outline(shape, 0.985, 0.0, 0.0), 2.2, rgba(mixed(colour, BLACK, 0.62), 190));
        if shape.kind == Kind::Volume {
            self.facets(shape, colour);
        } else {
            self.bulge(shape, colour);
            self.features(shape, colour);
        }
        self.chalk(shape);
        self.bolt(shape);
    }

    /// Where the hold swells towards the viewer.
    fn bulge(&mut self, shape: &Shape, colour: Rgb) {
        let (c, reach) = (shape.centre, shape.reach);
        let focus = Point::from_xy((c.x - reach * 0.28) as f32, (c.y - reach * 0.34) as f32);
        let light = RadialGradient::new(
            focus,
            0.0,
            focus,
            (reach * 0.95) as f32,
            vec![
                GradientStop::new(0.0, rgba(mixed(colour, WHITE, 0.62), 205)),
                GradientStop::new(0.45, rgba(mixed(colour, WHITE, 0.25), 105)),
                GradientStop::new(1.0, rgba(colour, 0)),
            ],
            SpreadMode::Pad,
            Transform::identity(),
        );
        if let Some(light) = light {
            self.fill(outline(shape, 0.9, -reach * 0.02, -reach * 0.03), light);
        }
        // Light from the floor on the lower rim.
        self.line(outline(shape, 0.9, reach * 0.015, reach * 0.03), 1.6, rgba(mixed(colour, WHITE, 0.3), 60));
    }

    /// What there is to hold on to.
    fn features(&mut self, shape: &Shape, colour: Rgb) {
        let (c, reach) = (shape.centre, shape.reach);
        let deep = mixed(colour, BLACK, 0.72);
        match shape.kind {
            Kind::Jug => {
                self.tint(outline(shape, 0.6, 0.0, -reach * 0.1), rgba(mixed(colour, BLACK, 0.34), 150));
                self.tint(outline(shape, 0.5, 0.0, -reach * 0.14), rgba(deep, 150));
                self.line(
                    outline(shape, 0.61, 0.0, -reach * 0.06),
                    2.4,
                    rgba(mixed(colour, WHITE, 0.55), 120),
                );
            }
            Kind::Crimp => {
                self.tint(outline(shape, 0.72, 0.0, reach * 0.05), rgba(mixed(colour, BLACK, 0.4), 130));
                self.tint(outline(shape, 0.62, 0.0, -reach * 0.03), rgba(mixed(colour, WHITE, 0.3), 150));
            }
            Kind::Pinch => {
                self.line(
                    outline(shape, 0.55, -reach * 0.03, 0.0),
                    3.0,
                    rgba(mixed(colour, WHITE, 0.5), 130),
                );
                self.tint(
                    outline(shape, 0.4, reach * 0.05, reach * 0.05),
                    rgba(mixed(colour, BLACK, 0.3), 90),
                );
            }
            Kind::Pocket => {
                let holes: usize = if self.rng.chance(0.3) { 2 } else { 1 };
                for hole in 0..holes {
                    let dx = if holes == 1 { 0.0 } else { reach * (0.5 * hole as f64 - 0.12) };
                    self.circle(
                        c.x + dx,
                        c.y - reach * 0.2 + 1.5,
                        reach * 0.26,
                        rgba(mixed(colour, WHITE, 0.5), 150),
                    );
                    self.circle(c.x + dx, c.y - reach * 0.22, reach * 0.25, rgba(deep, 255));
                    self.circle(c.x + dx, c.y - reach * 0.27, reach * 0.17, rgba(BLACK, 190));
                }
            }
            Kind::Sloper | Kind::Chip | Kind::Volume => {}
        }
        // The roughness of the resin.
        let grains = (reach * reach / (self.scale * self.scale) / 60.0).min(60.0) as usize;
        for _ in 0..grains {
            let (angle, far) = (self.rng.range(0.0, TAU), self.rng.unit().sqrt() * 0.62);
            let edge = crate::geometry::exit(&shape.outline, c, angle);
            let (x, y) = (c.x + (edge.x - c.x) * far * 1.3, c.y + (edge.y - c.y) * far * 1.3);
            let tone = if self.rng.chance(0.5) { rgba(WHITE, 26) } else { rgba(BLACK, 26) };
            let size = self.rng.range(1.0, 2.6) * self.scale;
            // A square of a pixel or two: a circle would look the same and take ten times as long.
            let square = Rect::from_xywh(x as f32, y as f32, size.max(1.0) as f32, size.max(1.0) as f32);
            if let Some(square) = square {
                let paint = Paint { shader: Shader::SolidColor(tone), anti_alias: false, ..Paint::default() };
                self.canvas.fill_rect(square, &paint, Transform::identity(), None);
            }
        }
    }

    /// The flat sides of a volume.
    fn facets(&mut self, shape: &Shape, colour: Rgb) {
        let c = shape.centre;
        let apex = (c.x - shape.reach * 0.08, c.y - shape.reach * 0.1);
        for (a, b) in shape.outline.iter().zip(shape.outline.iter().cycle().skip(1)) {
            let (mx, my) = (a.x.midpoint(b.x) - apex.0, a.y.midpoint(b.y) - apex.1);
            // How much the side looks to the light at the top left.
            let facing = (-0.5 * mx - 0.85 * my) / mx.hypot(my).max(1e-6);
            let tone = if facing > 0.0 {
                mixed(colour, WHITE, 0.42 * facing as f32)
            } else {
                mixed(colour, BLACK, -0.5 * facing as f32)
            };
            let mut path = PathBuilder::new();
            path.move_to(a.x as f32, a.y as f32);
            path.line_to(b.x as f32, b.y as f32);
            path.line_to(apex.0 as f32, apex.1 as f32);
            path.close();
            let path = path.finish();
            self.tint(path.clone(), rgba(tone, 255));
            self.line(path, 1.4, rgba(mixed(colour, BLACK, 0.4), 110));
            let (x, y) = (a.x + (apex.0 - a.x) * 0.22, a.y + (apex.1 - a.y) * 0.22);
            self.circle(x, y, 4.0 * self.scale, rgba(BLACK, 130));
            self.circle(x - 0.8, y - 0.8, 2.2 * self.scale, rgba((170, 168, 165), 200));
        }
    }

    fn chalk(&mut self, shape: &Shape) {
        if matches!(shape.kind, Kind::Chip) || !self.rng.chance(0.6) {
            return;
        }
        let (c, reach) = (shape.centre, shape.reach);
        for _ in 0..3 + self.rng.below(5) {
            let angle = self.rng.range(0.0, TAU);
            let far = self.rng.range(0.05, 0.5);
            let edge = crate::geometry::exit(&shape.outline, c, angle);
            let (x, y) = (c.x + (edge.x - c.x) * far, c.y + (edge.y - c.y) * far - reach * 0.1);
            let room = crate::geometry::exit(&shape.outline, c, angle).distance(c) * (1.0 - far);
            let size = self.rng.range(0.08, 0.3) * reach;
            self.dust(x, y, size.min(room.max(1.0)) * 1.3);
        }
    }

    /// A spot of chalk, thick in the middle and nothing at its edge.
    fn dust(&mut self, x: f64, y: f64, radius: f64) {
        let at = Point::from_xy(x as f32, y as f32);
        let fading = vec![
            GradientStop::new(0.0, rgba(WHITE, 84)),
            GradientStop::new(0.5, rgba(WHITE, 40)),
            GradientStop::new(1.0, rgba(WHITE, 0)),
        ];
        let cloud =
            RadialGradient::new(at, 0.0, at, radius as f32, fading, SpreadMode::Pad, Transform::identity());
        if let Some(cloud) = cloud {
            self.fill(PathBuilder::from_circle(x as f32, y as f32, radius as f32), cloud);
        }
    }

    fn bolt(&mut self, shape: &Shape) {
        let (c, s) = (shape.centre, self.scale);
        match shape.kind {
            Kind::Volume => {}
            Kind::Chip => {
                self.circle(c.x, c.y, 3.4 * s, rgba(BLACK, 170));
                self.circle(c.x - 0.5 * s, c.y - 0.5 * s, 2.0 * s, rgba((168, 166, 160), 235));
            }
            _ => {
                let small = shape.reach / s < 24.0;
                let size = if small { 4.6 * s } else { 6.6 * s };
                let y = if shape.kind == Kind::Pocket { c.y + shape.reach * 0.36 } else { c.y };
                self.circle(c.x + 0.8 * s, y + 1.0 * s, size * 1.15, rgba(WHITE, 70));
                self.circle(c.x, y, size, rgba((24, 22, 22), 245));
                self.circle(c.x, y, size * 0.66, rgba((140, 140, 142), 255));
                self.circle(c.x + 0.4 * s, y + 0.6 * s, size * 0.38, rgba((30, 30, 32), 255));
            }
        }
    }
}
