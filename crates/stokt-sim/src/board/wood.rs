//! The wall behind the holds: plywood panels with grain, seams, screws and T-nuts.

use tiny_skia::{
    Color, FillRule, FilterQuality, Paint, PathBuilder, Pattern, Pixmap, PixmapMut, Rect, SpreadMode,
    Transform,
};

use super::holds::{FULL_SIZE, nuts};
use crate::rng::Rng;

/// The grain is made at a part of the size and enlarged: wood is soft to the eye, and it is nine times faster.
const GRAIN_SCALE: u32 = 3;
/// Height of a panel in pixels of the full-size picture.
const PANEL: f32 = 1000.0;

/// Values at the points of a lattice, smoothly joined.
struct Noise {
    seed: u64,
}

impl Noise {
    fn at_lattice(&self, x: i64, y: i64) -> f32 {
        let mixed =
            self.seed ^ (x as u64).wrapping_mul(0x9E37_79B9) ^ (y as u64).wrapping_mul(0x85EB_CA6B_0001);
        (Rng::new(mixed).next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        let (column, row) = (x.floor(), y.floor());
        let ease = |t: f32| t * t * (3.0 - 2.0 * t);
        let (tx, ty) = (ease(x - column), ease(y - row));
        let (column, row) = (column as i64, row as i64);
        let blend = |a: f32, b: f32, t: f32| a + (b - a) * t;
        blend(
            blend(self.at_lattice(column, row), self.at_lattice(column + 1, row), tx),
            blend(self.at_lattice(column, row + 1), self.at_lattice(column + 1, row + 1), tx),
            ty,
        )
    }
}

/// Paints the whole canvas. `None` if it is too small to be painted on.
pub(crate) fn panel(canvas: &mut Pixmap, seed: u64) -> Option<()> {
    // Small pictures need no more grain than they have pixels.
    let step = GRAIN_SCALE.max(FULL_SIZE.0 / canvas.width().max(1));
    let grain = grain(seed, step)?;
    let scale = canvas.width() as f32 / FULL_SIZE.0 as f32;
    let scale_y = canvas.height() as f32 / FULL_SIZE.1 as f32;
    let (width, height) = (canvas.width() as f32, canvas.height() as f32);
    let whole = Rect::from_xywh(0.0, 0.0, width, height)?;
    let enlarge = Transform::from_scale(step as f32 * scale, step as f32 * scale_y);
    let paint = Paint {
        shader: Pattern::new(grain.as_ref(), SpreadMode::Pad, FilterQuality::Bilinear, 1.0, enlarge),
        ..Paint::default()
    };
    canvas.fill_rect(whole, &paint, Transform::identity(), None);

    let scaling = Transform::from_scale(scale, scale_y);
    seams(&mut canvas.as_mut(), scaling, seed);
    let mut paint_nut = |x: f32, y: f32, radius: f32, colour: Color| {
        if let Some(circle) = PathBuilder::from_circle(x, y, radius) {
            let mut paint = Paint { anti_alias: true, ..Paint::default() };
            paint.set_color(colour);
            canvas.fill_path(&circle, &paint, FillRule::Winding, scaling, None);
        }
    };
    for nut in nuts() {
        let (x, y) = (nut.x as f32, nut.y as f32);
        paint_nut(x - 0.8, y - 1.0, 7.6, Color::from_rgba8(255, 236, 200, 70));
        paint_nut(x, y, 6.6, Color::from_rgba8(122, 103, 80, 255));
        paint_nut(x, y, 5.2, Color::from_rgba8(38, 31, 26, 255));
        paint_nut(x + 1.2, y + 1.6, 2.6, Color::from_rgba8(92, 88, 84, 255));
    }
    Some(())
}

/// Bare birch plywood, lying: pale, with long fine fibres and the wide bands of a peeled trunk.
fn grain(seed: u64, step: u32) -> Option<Pixmap> {
    let (width, height) = (FULL_SIZE.0.div_ceil(step), FULL_SIZE.1.div_ceil(step));
    let mut pixmap = Pixmap::new(width, height)?;
    let noise = Noise { seed };
    let mut pixels = pixmap.data_mut().chunks_exact_mut(4);
    for row in 0..height {
        let y = (row * step) as f32;
        let panel = (y / PANEL).floor();
        for column in 0..width {
            let x = (column * step) as f32;
            let side = if x < FULL_SIZE.0 as f32 / 2.0 { 0.0 } else { 1.0 };
            let shift = panel * 977.0 + side * 5310.0;
            let tone = noise.at(panel * 7.3 + 0.5, side * 3.1 + 0.5) * 14.0 - 7.0;
            let flow = noise.at((x + shift) * 0.0011, (y + shift) * 0.0042) * 9.0
                + noise.at((x + shift) * 0.0037, y * 0.017) * 1.3;
            let band = (flow * 2.4 + y * 0.004).fract();
            // A band darkens slowly and ends at once, like late wood.
            let ring = band * band * band;
            let fibre = noise.at((x + shift) * 0.011, y * 0.42) - 0.5;
            let fine = noise.at((x + shift) * 0.05, y * 0.9) - 0.5;
            let blotch = noise.at(x * 0.0024, y * 0.0021 + shift) - 0.5;
            let light = tone - ring * 15.0 + fibre * 15.0 + fine * 9.0 + blotch * 22.0;
            // Light from above, dark towards the floor.
            let lamp = 1.06 - 0.36 * (y / FULL_SIZE.1 as f32).powi(2);
            let colour = [
                (216.0 + light) * lamp,
                (183.0 + light * 1.06 - ring * 5.0) * lamp,
                (138.0 + light * 1.02 - ring * 9.0) * lamp,
            ];
            if let Some([red, green, blue, alpha]) = pixels.next() {
                let [r, g, b] = colour.map(|value| value.clamp(0.0, 255.0) as u8);
                (*red, *green, *blue, *alpha) = (r, g, b, 255);
            }
        }
    }
    Some(pixmap)
}

/// Joints between panels and the screws along them.
fn seams(canvas: &mut PixmapMut<'_>, scaling: Transform, seed: u64) {
    let mut rng = Rng::part(seed, 60);
    let (width, height) = (FULL_SIZE.0 as f32, FULL_SIZE.1 as f32);
    let mut fill = |x: f32, y: f32, w: f32, h: f32, colour: Color| {
        if let Some(rect) = Rect::from_xywh(x, y, w, h) {
            let mut paint = Paint::default();
            paint.set_color(colour);
            canvas.fill_rect(rect, &paint, scaling, None);
        }
    };
    let dark = Color::from_rgba8(64, 44, 26, 225);
    let soft = Color::from_rgba8(90, 62, 34, 70);
    let bright = Color::from_rgba8(255, 238, 205, 90);
    let middle = width / 2.0;
    for (x, y, w, h) in [(middle, 0.0, 3.5, height), (0.0, PANEL, width, 3.5), (0.0, 2.0 * PANEL, width, 3.5)]
    {
        let along = w > h;
        let (near, far) = if along { ((0.0, 5.0), (0.0, -4.0)) } else { ((5.0, 0.0), (-4.0, 0.0)) };
        fill(x + far.0 * 1.5, y + far.1 * 1.5, w.max(9.0), h.max(9.0), soft);
        fill(x, y, w, h, dark);
        fill(x + near.0, y + near.1, w.min(width).max(1.6), h.max(1.6).min(height), bright);
    }
    for panel in 1..3 {
        for step in 0..24 {
            let x = 48.0 + step as f32 * 96.0 + rng.range(-6.0, 6.0) as f32;
            for side in [-19.0, 23.0] {
                let y = panel as f32 * PANEL + side + rng.range(-2.0, 2.0) as f32;
                fill(x, y, 6.0, 6.0, Color::from_rgba8(86, 80, 74, 210));
                fill(x + 1.0, y + 2.4, 4.0, 1.4, Color::from_rgba8(30, 28, 26, 230));
            }
        }
    }
}
