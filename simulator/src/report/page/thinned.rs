//! What a page shows of a lane or a curve, however long the run: pieces in order of time, of which neighbours become
//! one where there are too many.
//!
//! The grid in which pieces become one starts at nothing and doubles whenever the limit is reached, so that what is
//! kept depends on the pieces alone, and a run of a year takes as much room as one of a day.

/// Something with a place in time that can take in its neighbour.
pub(super) trait Piece {
    /// Where it begins, in microseconds.
    fn from(&self) -> u64;
    /// How long it is; what is longer than the grid stays by itself.
    fn length(&self) -> u64;
    /// Takes in the next one.
    fn absorb(&mut self, next: Self);
}

/// Pieces in order, so many at most.
#[derive(Clone, Debug)]
pub(super) struct Thinned<P> {
    pieces: Vec<P>,
    limit: usize,
    /// The grid, in microseconds; 0 while each piece stands by itself.
    grid: u64,
}

/// The finest grid, in microseconds.
const FINEST: u64 = 1_000;

impl<P: Piece> Thinned<P> {
    /// None yet, and `limit` at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { pieces: Vec::new(), limit, grid: 0 }
    }

    /// The next one.
    pub(super) fn push(&mut self, piece: P) {
        self.add(piece);
        while self.pieces.len() > self.limit {
            self.grid = (self.grid * 2).max(FINEST);
            std::mem::take(&mut self.pieces).into_iter().for_each(|piece| self.add(piece));
        }
    }

    fn add(&mut self, piece: P) {
        match self.pieces.last_mut() {
            Some(last) if merge(self.grid, last, &piece) => last.absorb(piece),
            _ => self.pieces.push(piece),
        }
    }

    pub(super) fn pieces(&self) -> &[P] {
        &self.pieces
    }

    /// The grid in which neighbours became one, in microseconds; 0 if none did.
    pub(super) fn grid(&self) -> u64 {
        self.grid
    }
}

/// Whether two neighbours are one in a grid.
fn merge<P: Piece>(grid: u64, one: &P, next: &P) -> bool {
    let cell = |piece: &P| piece.from().checked_div(grid);
    grid > 0 && cell(one) == cell(next) && one.length() < grid && next.length() < grid
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count(u64, u64);

    impl Piece for Count {
        fn from(&self) -> u64 {
            self.0
        }

        fn length(&self) -> u64 {
            0
        }

        fn absorb(&mut self, next: Self) {
            self.1 += next.1;
        }
    }

    #[test]
    fn few_stand_by_themselves_and_many_share_a_grid_and_none_is_lost() {
        for (count, most) in [(100, 100), (101, 100), (1_000_000, 100)] {
            let mut thinned = Thinned::new(100);
            (0..count).for_each(|number| thinned.push(Count(number * 31_000_000, 1)));
            assert!(thinned.pieces().len() <= most, "{}", thinned.pieces().len());
            assert!(thinned.pieces().len() > most / 3, "{}", thinned.pieces().len());
            assert_eq!(thinned.pieces().iter().map(|piece| piece.1).sum::<u64>(), count);
            assert_eq!(thinned.grid() == 0, count <= 100);
        }
    }
}
