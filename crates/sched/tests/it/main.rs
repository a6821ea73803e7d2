//! The scheduler, driven by small scenes and by a seeded simulation.

mod scenes;
mod simulation;
