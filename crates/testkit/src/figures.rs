//! Error figures: how far computed numbers lie from reference numbers, summed in f64.

/// `‖ours − theirs‖ / ‖theirs‖` (Euclidean). Infinite where a number is not finite or the lengths differ, so that no
/// comparison with a bound passes by accident.
pub fn relative_norm(ours: &[f32], theirs: &[f32]) -> f64 {
    let square = |x: f64| x * x;
    let difference: f64 = pairs(ours, theirs).map(|(a, b)| square(a - b)).sum();
    let size: f64 = theirs.iter().map(|&b| square(f64::from(b))).sum();
    let ratio = if difference == 0.0 { 0.0 } else { (difference / size).sqrt() };
    finite(ratio, ours, theirs)
}

/// Largest `|ours − theirs|`. Infinite where a number is not finite or the lengths differ.
pub fn max_abs(ours: &[f32], theirs: &[f32]) -> f64 {
    finite(pairs(ours, theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max), ours, theirs)
}

fn pairs<'a>(ours: &'a [f32], theirs: &'a [f32]) -> impl Iterator<Item = (f64, f64)> + 'a {
    ours.iter().zip(theirs).map(|(&a, &b)| (f64::from(a), f64::from(b)))
}

fn finite(figure: f64, ours: &[f32], theirs: &[f32]) -> f64 {
    let comparable = ours.len() == theirs.len() && ours.iter().chain(theirs).all(|x| x.is_finite());
    if comparable { figure } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(relative_norm(&[3.0, 4.5], &[3.0, 4.0]), 0.1);
        assert_eq!(max_abs(&[1.0, -2.0], &[1.5, -1.0]), 1.0);
        assert_eq!(relative_norm(&[0.0], &[0.0]), 0.0);
    }

    #[test]
    fn what_cannot_be_compared_is_infinitely_wrong() {
        for (ours, theirs) in [(vec![f32::NAN], vec![0.0]), (vec![1.0], vec![1.0, 2.0]), (vec![0.0], vec![f32::NAN])] {
            assert_eq!(relative_norm(&ours, &theirs), f64::INFINITY);
            assert_eq!(max_abs(&ours, &theirs), f64::INFINITY);
        }
    }
}
