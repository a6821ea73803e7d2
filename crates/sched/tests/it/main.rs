//! The scheduler, driven by small scenes and by a seeded simulation.

mod fairness;
mod scenes;
mod simulation;
