//! Every format against what the PyPI package `gguf` made of the same bytes (vectors/quant/make.py), and
//! what llama.cpp's library makes of the same weights (vectors/quant/make_search.py).

mod formats;
mod lengths;
mod numbers;

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(testkit::vectors("quant").join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn floats(name: &str) -> Vec<f32> {
    testkit::floats(&testkit::vectors("quant").join(name))
}

/// Equal bit for bit, but any NaN equals any NaN.
fn compare(ours: &[f32], theirs: &[f32]) -> Result<(), String> {
    if ours.len() != theirs.len() {
        return Err(format!("{} numbers, not {}", ours.len(), theirs.len()));
    }
    let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let differing = (0..ours.len()).find(|&i| !same(ours[i], theirs[i]));
    differing.map_or(Ok(()), |i| Err(format!("[{i}] is {:e}, not {:e}", ours[i], theirs[i])))
}
