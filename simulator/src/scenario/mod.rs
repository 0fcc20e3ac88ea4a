//! The scenario language: what a scenario file says, checked.
//!
//! A file is TOML. What the rest of the simulator sees is [`model::Scenario`], in which nothing is left to check.

pub mod matcher;
pub mod model;
pub mod units;

pub use model::Scenario;
