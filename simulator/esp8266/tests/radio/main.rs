//! The radio at register level, without a core and without a vendor's file: frames in, interrupts and descriptors out.
//!
//! What the vendor's drivers read and write is written down as tables of steps ([`steps`]), for both generations of
//! them and both ways to be interrupted ([`driver`]). A step that reads says what it must find. So this holds what
//! drivers depend on, for those, too, of which no image is at hand.

mod antenna;
mod driver;
mod random;
mod scenes;
mod steps;
