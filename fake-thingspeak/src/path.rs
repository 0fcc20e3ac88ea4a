//! A path, cut at its slashes.

/// More parts than any path has that means something.
const MOST: usize = 7;

/// The parts of a path, without allocation: each request is asked for them, by everyone who might answer it.
pub(crate) struct Segments<'p> {
    parts: [&'p str; MOST],
    count: usize,
}

impl<'p> Segments<'p> {
    /// The parts of `path` between its slashes, those at its ends left out; of a path that has more than any has that
    /// means something, so many that it means nothing.
    pub(crate) fn of(path: &'p str) -> Self {
        let mut segments = Self { parts: [""; MOST], count: 0 };
        for (slot, part) in segments.parts.iter_mut().zip(path.trim_matches('/').split('/')) {
            *slot = part;
            segments.count += 1;
        }
        segments
    }

    pub(crate) fn as_slice(&self) -> &[&'p str] {
        &self.parts[..self.count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_cut_at_its_slashes() {
        assert_eq!(Segments::of("/channels/9/feeds/").as_slice(), ["channels", "9", "feeds"]);
        assert_eq!(Segments::of("/a//b").as_slice(), ["a", "", "b"]);
        assert_eq!(Segments::of("/").as_slice(), [""]);
        assert_eq!(Segments::of(&"/x".repeat(1_000)).as_slice().len(), MOST);
    }
}
