//! Eight numbers at once: one of each of eight sub-blocks.
//!
//! The search sums in the order of the weights, which leaves a processor waiting for each sum; eight sub-blocks side by
//! side fill the time, and the compiler makes vector instructions of it. The numbers are those of one after the other.

use std::array::from_fn;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Sub-blocks that are worked on together.
pub(super) const LANES: usize = 8;

#[derive(Clone, Copy, Debug)]
pub(super) struct Lanes(pub(super) [f32; LANES]);

/// A yes or no for each lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask([bool; LANES]);

impl Lanes {
    pub(super) const fn all(value: f32) -> Self {
        Self([value; LANES])
    }

    pub(super) fn map(self, change: impl Fn(f32) -> f32) -> Self {
        Self(from_fn(|lane| change(self.0[lane])))
    }

    pub(super) fn abs(self) -> Self {
        self.map(f32::abs)
    }

    pub(super) fn less(self, than: Self) -> Mask {
        Mask(from_fn(|lane| self.0[lane] < than.0[lane]))
    }

    pub(super) fn equal(self, to: Self) -> Mask {
        Mask(from_fn(|lane| self.0[lane] == to.0[lane]))
    }

    /// The nearest whole numbers, from `low` to `high`.
    pub(super) fn code(self, low: f32, high: f32) -> Self {
        self.map(|value| {
            let nearest = super::nearest(value);
            let nearest = if nearest < high { nearest } else { high };
            if nearest > low { nearest } else { low }
        })
    }
}

impl Mask {
    pub(super) fn and(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] & other.0[lane]))
    }

    pub(super) fn not(self) -> Self {
        Self(self.0.map(|set| !set))
    }

    pub(super) fn any(self) -> bool {
        self.0.contains(&true)
    }

    /// `yes` where set, `no` elsewhere.
    pub(super) fn select(self, yes: Lanes, no: Lanes) -> Lanes {
        Lanes(from_fn(|lane| if self.0[lane] { yes.0[lane] } else { no.0[lane] }))
    }
}

impl Add for Lanes {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] + other.0[lane]))
    }
}

impl Sub for Lanes {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] - other.0[lane]))
    }
}

impl Mul for Lanes {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] * other.0[lane]))
    }
}

impl Div for Lanes {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        Self(from_fn(|lane| self.0[lane] / other.0[lane]))
    }
}

impl Neg for Lanes {
    type Output = Self;
    fn neg(self) -> Self {
        self.map(|value| -value)
    }
}

/// Eight sub-blocks of `N` weights that follow one another: lane `j` of element `i` is weight `N·j + i`.
pub(super) fn side_by_side<const N: usize>(weights: &[f32]) -> [Lanes; N] {
    from_fn(|i| Lanes(from_fn(|lane| weights[N * lane + i])))
}
