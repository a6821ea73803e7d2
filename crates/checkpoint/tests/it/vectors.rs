//! Tiny checkpoints of every architecture (`vectors/models`): each layout opens, has the tensors that its configuration
//! implies, and gives the same bits as the others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use checkpoint::{Checkpoint, Config, Expected, Layout};
use quant::RowSource;

const LAYOUTS: [(&str, Layout); 3] =
    [("hf", Layout::HuggingFace), ("mistral", Layout::Mistral), ("model.gguf", Layout::Gguf)];

/// `(name, path)` of every model, by name.
fn models() -> Vec<(String, PathBuf)> {
    let folders = std::fs::read_dir(testkit::vectors("models")).unwrap().map(|entry| entry.unwrap().path());
    let mut models: Vec<_> = folders
        .filter(|path| path.is_dir())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    models.sort();
    models
}

#[test]
fn every_layout_opens_and_has_what_its_configuration_implies() {
    testkit::check_table(models(), |folder| {
        for (name, layout) in LAYOUTS {
            let path = folder.join(name);
            if !path.exists() {
                continue;
            }
            let checkpoint = Checkpoint::open(&path).map_err(|error| error.to_string())?;
            if checkpoint.layout != layout {
                return Err(format!("{name} is taken for {}", checkpoint.layout));
            }
            checkpoint.expect(&expected(&checkpoint.config)).map_err(|error| error.to_string())?;
        }
        Ok(())
    });
}

/// One layout of a model, all of it decoded.
struct Decoded {
    layout: &'static str,
    config: Config,
    weights: BTreeMap<String, Vec<f32>>,
}

#[test]
fn layouts_agree_to_the_bit() {
    testkit::check_table(models(), |folder| {
        let mut opened = Vec::new();
        for (layout, _) in LAYOUTS.iter().filter(|(name, _)| folder.join(name).exists()) {
            let checkpoint = Checkpoint::open(folder.join(layout)).map_err(|error| error.to_string())?;
            let weights = checkpoint.tensors().map(|tensor| (tensor.name().to_owned(), decoded(tensor))).collect();
            let config = Config { architecture: String::new(), ..checkpoint.config };
            opened.push(Decoded { layout, config, weights });
        }
        opened.iter().skip(1).try_for_each(|other| same(&opened[0], other))
    });
}

fn same(a: &Decoded, b: &Decoded) -> Result<(), String> {
    if a.config != b.config {
        return Err(format!("{} says {:?}, {} {:?}", a.layout, a.config, b.layout, b.config));
    }
    if !a.weights.keys().eq(b.weights.keys()) {
        return Err(format!("{} and {} have other tensors", a.layout, b.layout));
    }
    match a.weights.iter().find(|(name, values)| b.weights[*name] != **values) {
        Some((name, _)) => Err(format!("{name} differs between {} and {}", a.layout, b.layout)),
        None => Ok(()),
    }
}

#[test]
fn rows_read_alone_are_those_read_together() {
    testkit::check_table(models(), |folder| {
        let path = if folder.join("hf").exists() { folder.join("hf") } else { folder.join("model.gguf") };
        let checkpoint = Checkpoint::open(&path).map_err(|error| error.to_string())?;
        for tensor in checkpoint.tensors() {
            let row_bytes = tensor.format().row_bytes(tensor.cols()).unwrap();
            let whole = rows(tensor, 0..tensor.rows());
            for start in 0..tensor.rows() {
                for end in [start, start + 1, (start + 3).min(tensor.rows()), tensor.rows()] {
                    if rows(tensor, start..end) != whole[start * row_bytes..end * row_bytes] {
                        return Err(format!("{}: rows {start}..{end}", tensor.name()));
                    }
                }
            }
        }
        Ok(())
    });
}

fn rows(tensor: &dyn RowSource, range: std::ops::Range<usize>) -> Vec<u8> {
    let mut bytes = vec![0; range.len() * tensor.format().row_bytes(tensor.cols()).unwrap()];
    tensor.read_rows(range, &mut bytes).unwrap();
    bytes
}

fn decoded(tensor: &dyn RowSource) -> Vec<f32> {
    let bytes = rows(tensor, 0..tensor.rows());
    let mut out = vec![0.0; tensor.rows() * tensor.cols()];
    let row_bytes = bytes.len() / tensor.rows();
    for (bytes, out) in bytes.chunks(row_bytes).zip(out.chunks_mut(tensor.cols())) {
        quant::decode_row(tensor.format(), bytes, out).unwrap();
    }
    out
}

/// What a transformer of this shape needs, written down a second time.
fn expected(config: &Config) -> Vec<Expected> {
    let (dim, hidden) = (config.dim, config.hidden_dim);
    let (q, kv) = (config.n_heads * config.head_dim, config.n_kv_heads * config.head_dim);
    let mut all = vec![("tok_embeddings".to_owned(), config.vocab_size, dim), ("norm".to_owned(), 1, dim)];
    if !config.tied_embeddings {
        all.push(("output".to_owned(), config.vocab_size, dim));
    }
    for n in 0..config.n_layers {
        let layer = |name: &str, rows, cols| (format!("layers.{n}.{name}"), rows, cols);
        all.extend([
            layer("attention_norm", 1, dim),
            layer("ffn_norm", 1, dim),
            layer("attention.wq", q, dim),
            layer("attention.wk", kv, dim),
            layer("attention.wv", kv, dim),
            layer("attention.wo", dim, q),
        ]);
        let parts = match config.experts {
            Some(experts) => {
                all.push(layer("feed_forward.gate", experts.count, dim));
                (0..experts.count).map(|e| format!("feed_forward.experts.{e}")).collect()
            }
            None => vec!["feed_forward".to_owned()],
        };
        for part in parts {
            all.push(layer(&format!("{part}.w1"), hidden, dim));
            all.push(layer(&format!("{part}.w2"), dim, hidden));
            all.push(layer(&format!("{part}.w3"), hidden, dim));
        }
    }
    all.into_iter().map(|(name, rows, cols)| Expected::new(&format!("{name}.weight"), rows, cols)).collect()
}
