//! Small pictures for some of the invented people.

use bytes::Bytes;
use tiny_skia::{Color, FillRule, Paint, PathBuilder, Pixmap, Transform};

use super::picture;
use crate::rng::{Rng, seed_of};

/// Width and height of an avatar, in pixels.
const SIDE: u32 = 96;

/// Draws the avatar of a path (its shape follows from the path alone): a PNG, or a JPEG if the path says so.
pub(crate) fn draw(path: &str) -> Option<Bytes> {
    let mut rng = Rng::new(seed_of(path.as_bytes()));
    let mut canvas = Pixmap::new(SIDE, SIDE)?;
    let tone = |rng: &mut Rng, low: f64, high: f64| rng.range(low, high) as u8;
    let (r, g, b) =
        (tone(&mut rng, 120.0, 235.0), tone(&mut rng, 120.0, 235.0), tone(&mut rng, 120.0, 235.0));
    canvas.fill(Color::from_rgba8(r, g, b, 255));
    let side = f64::from(SIDE);
    let mut blob = |x: f64, y: f64, radius: f64, colour: Color| {
        if let Some(circle) = PathBuilder::from_circle(x as f32, y as f32, radius as f32) {
            let mut paint = Paint { anti_alias: true, ..Paint::default() };
            paint.set_color(colour);
            canvas.fill_path(&circle, &paint, FillRule::Winding, Transform::identity(), None);
        }
    };
    let shirt = Color::from_rgba8(
        tone(&mut rng, 20.0, 150.0),
        tone(&mut rng, 20.0, 150.0),
        tone(&mut rng, 20.0, 150.0),
        255,
    );
    let skin = tone(&mut rng, 90.0, 235.0);
    blob(side * 0.5, side * 1.05, side * 0.42, shirt);
    blob(side * 0.5, side * 0.36, side * 0.23, Color::from_rgba8(60, 40, 30, 255));
    blob(
        side * 0.5,
        side * 0.43,
        side * 0.2,
        Color::from_rgba8(skin, skin.saturating_sub(35), skin.saturating_sub(65), 255),
    );
    if path.ends_with(".jpg") {
        picture::jpeg(&canvas, 85)
    } else {
        canvas.encode_png().ok().map(Bytes::from)
    }
}
