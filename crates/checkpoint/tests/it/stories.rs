//! A real trained model, written by somebody else's converter.

use checkpoint::{Checkpoint, Layout, RopeScaling, TokenizerSource};
use quant::RowSource as _;

#[test]
fn stories260k_opens() {
    let Some(path) = testkit::shared("models/stories260k/stories260k-f32.gguf") else { return };
    let checkpoint = Checkpoint::open(&path).unwrap();
    let config = &checkpoint.config;
    assert_eq!(checkpoint.layout, Layout::Gguf);
    assert_eq!(
        (config.dim, config.hidden_dim, config.n_layers, config.n_heads, config.n_kv_heads, config.head_dim),
        (64, 172, 5, 8, 4, 8)
    );
    assert_eq!((config.vocab_size, config.context_length, config.tied_embeddings), (512, 512, true));
    assert_eq!((config.norm_eps, config.rope.theta, &config.rope.scaling), (1e-5, 1e4, &RopeScaling::None));
    assert_eq!(checkpoint.tensors().len(), 2 + 5 * 9);
    assert_eq!(checkpoint.about.parameters, 260_032);
    let TokenizerSource::Gguf(vocab) = &checkpoint.tokenizer else { panic!("{:?}", checkpoint.tokenizer) };
    assert_eq!((vocab.tokens.len(), vocab.bos_id, vocab.eos_id), (512, Some(1), Some(2)));
    let wk = checkpoint.tensor("layers.4.attention.wk.weight").unwrap();
    assert_eq!((wk.rows(), wk.cols()), (32, 64));
    let mut row = [0; 64 * 4];
    wk.read_rows(31..32, &mut row).unwrap();
    assert!(row.iter().any(|byte| *byte != 0));
    assert!(checkpoint.notes.is_empty(), "{:?}", checkpoint.notes);
}
