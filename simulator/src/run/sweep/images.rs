//! The same with other images.

use simulator_record::random::Seed;
use simulator_scenario::model::FlashImage;

use super::{Axis, Point, Shown};

/// A repetition for each of these images.
pub(super) struct Images<'s>(pub(super) &'s [FlashImage]);

impl Axis for Images<'_> {
    fn points(&self, _: Seed, _: &Shown) -> Vec<Point> {
        self.0.iter().cloned().map(Point::Image).collect()
    }

    fn needs(&self) -> (&'static str, &'static str) {
        ("images in the sweep", "there were none, so that no other image was tried")
    }
}
