//! Tests of the simulator from outside, in one program because each program links all of it once more.
//!
//! Apart stand `memory`, which counts with an allocator of its own, `effort`, which measures, and `scenarios`, which
//! has a harness of its own.

mod captures;
mod cli;
mod command;
mod image;
mod many_devices;
mod readings;
mod reference;
mod sensor_timing;
