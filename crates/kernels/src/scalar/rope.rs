//! Rotary position embedding on adjacent pairs (arXiv 2104.09864).

/// Rotates each pair `(a, b)` of a head: `a·cos - b·sin` and `b·cos + a·sin`, the second product rounded first.
///
/// `cos` and `sin` have one number per pair.
pub(crate) fn rope(head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let (pairs, _) = head.as_chunks_mut::<2>();
    for (([a, b], &cos), &sin) in pairs.iter_mut().zip(cos).zip(sin) {
        (*a, *b) = (a.mul_add(cos, -(*b * sin)), b.mul_add(cos, *a * sin));
    }
}
