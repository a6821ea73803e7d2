//! Mixes: which format each tensor gets, as llama.cpp chooses (`llama-quant.cpp`).
//!
//! A mix has a format for most matrices, and more bits for those that suffer most from few: the output, `attn_v`,
//! `ffn_down`, in the first and last layers above all.

use checkpoint::Config;
use checkpoint::gguf::Source;
use quant::Format;

/// One choice of formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// As on the command line.
    pub name: &'static str,
    /// `general.file_type`.
    pub file_type: u32,
    /// What most matrices get.
    format: Format,
    /// It was measured how much the columns matter, which moves some of the choices.
    measured: bool,
}

const fn mix(name: &'static str, file_type: u32, format: Format) -> Mix {
    Mix { name, file_type, format, measured: false }
}

/// All of them.
const MIXES: [Mix; 20] = [
    mix("f32", 0, Format::F32),
    mix("f16", 1, Format::F16),
    mix("bf16", 32, Format::BF16),
    mix("q8_0", 7, Format::Q8_0),
    mix("q6_k", 18, Format::Q6K),
    mix("q5_k_m", 17, Format::Q5K),
    mix("q5_k_s", 16, Format::Q5K),
    mix("q5_1", 9, Format::Q5_1),
    mix("q5_0", 8, Format::Q5_0),
    mix("q4_k_m", 15, Format::Q4K),
    mix("q4_k_s", 14, Format::Q4K),
    mix("q4_1", 3, Format::Q4_1),
    mix("q4_0", 2, Format::Q4_0),
    mix("iq4_nl", 25, Format::IQ4NL),
    mix("iq4_xs", 30, Format::IQ4XS),
    mix("q3_k_l", 13, Format::Q3K),
    mix("q3_k_m", 12, Format::Q3K),
    mix("q3_k_s", 11, Format::Q3K),
    mix("q2_k", 10, Format::Q2K),
    mix("mxfp4_moe", 38, Format::MXFP4),
];

/// A format, and what was wanted where rows of this length cannot have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the tensor gets.
    pub format: Format,
    /// What it would have got.
    pub instead_of: Option<Format>,
}

impl Mix {
    /// All of them, from many bits to few.
    pub const ALL: [Self; 20] = MIXES;

    /// The mix with this name (`"q4_k_m"`, case ignored).
    pub fn named(name: &str) -> Option<Self> {
        MIXES.into_iter().find(|mix| mix.name.eq_ignore_ascii_case(name))
    }

    /// The same for weights that are rounded with an importance matrix.
    #[must_use]
    pub fn measured(self) -> Self {
        Self { measured: true, ..self }
    }

    /// The format of one tensor of a model. Vectors and the choice of experts stay exact: they are small, and everything
    /// depends on them.
    pub fn choose(self, tensor: &Source<'_>, config: &Config) -> Choice {
        if tensor.is_vector() || tensor.name.ends_with("ffn_gate_inp.weight") {
            return Choice { format: Format::F32, instead_of: None };
        }
        let wanted = match self.format.block_weights() {
            1 => self.format,
            _ => self.wanted(Role::of(tensor, config), tensor, config),
        };
        let format = fitting(wanted, tensor.cols());
        Choice { format, instead_of: (format != wanted).then_some(wanted) }
    }

    fn wanted(self, role: Role, tensor: &Source<'_>, config: &Config) -> Format {
        let (layer, layers) = (tensor.layer.unwrap_or(0), config.n_layers);
        let shared = config.n_heads / config.n_kv_heads;
        let eight_experts = config.experts.is_some_and(|experts| experts.count == 8);
        match role {
            Role::Output if self.format == Format::MXFP4 => Format::Q8_0,
            Role::Output if !tensor.cols().is_multiple_of(self.format.block_weights()) => Format::Q8_0,
            Role::Output if self.format == Format::Q8_0 => Format::Q8_0,
            Role::Output => Format::Q6K,
            _ if self.format == Format::MXFP4 => match tensor.dims().len() {
                3 => Format::MXFP4,
                _ => Format::Q8_0,
            },
            Role::Keys | Role::Values if eight_experts => Format::Q8_0,
            Role::Values => self.values(layer, layers, shared),
            Role::Down => self.down(layer, layers),
            Role::AttentionOutput => self.attention_output(eight_experts),
            Role::Keys | Role::Other => self.format,
        }
    }

    fn values(self, layer: usize, layers: usize, shared: usize) -> Format {
        let format = match self.name {
            "q2_k" if shared >= 4 => Format::Q4K,
            "q2_k" => Format::Q3K,
            "q3_k_m" if layer < 2 => Format::Q5K,
            "q3_k_m" => Format::Q4K,
            "q3_k_l" => Format::Q5K,
            "iq4_nl" | "iq4_xs" if shared >= 4 => Format::Q5K,
            "q4_k_m" | "q5_k_m" if sensitive(layer, layers) => Format::Q6K,
            "q4_k_s" if layer < 4 => Format::Q5K,
            _ => self.format,
        };
        // A model of 70 billion, whose value matrices are small beside the others.
        let small = layers == 80 && shared > 1 && matches!(format, Format::Q3K | Format::Q4K);
        if small { Format::Q5K } else { format }
    }

    fn down(self, layer: usize, layers: usize) -> Format {
        match self.name {
            "q2_k" => Format::Q3K,
            "q3_k_m" if layer < layers / 16 => Format::Q5K,
            "q3_k_m" => Format::Q4K,
            "q3_k_l" => Format::Q5K,
            "q4_k_m" | "q5_k_m" if sensitive(layer, layers) => Format::Q6K,
            "q4_k_s" if layer < layers / 8 => Format::Q5K,
            "iq4_nl" | "iq4_xs" if layer < layers / 8 && !self.measured => Format::Q5K,
            "q4_0" if layer < layers / 8 && self.measured => Format::Q4_1,
            "q5_0" if layer < layers / 8 && self.measured => Format::Q5_1,
            _ => self.format,
        }
    }

    fn attention_output(self, eight_experts: bool) -> Format {
        match self.name {
            "q2_k" | "q3_k_s" | "q3_k_m" | "q4_k_s" | "q4_k_m" | "iq4_nl" | "iq4_xs" if eight_experts => Format::Q5K,
            "q2_k" if !eight_experts => Format::Q3K,
            "q3_k_m" if !eight_experts => Format::Q4K,
            "q3_k_l" if !eight_experts => Format::Q5K,
            _ => self.format,
        }
    }
}

/// What a matrix does, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The output matrix, also where it is the table of embeddings too.
    Output,
    Keys,
    Values,
    AttentionOutput,
    Down,
    Other,
}

impl Role {
    fn of(tensor: &Source<'_>, config: &Config) -> Self {
        let name = tensor.name.as_str();
        match name.rsplit_once(".weight").map_or(name, |(stem, _)| stem).rsplit('.').next() {
            Some("output") => Self::Output,
            Some("token_embd") if config.tied_embeddings => Self::Output,
            Some("attn_k") => Self::Keys,
            Some("attn_v") => Self::Values,
            Some("attn_output") => Self::AttentionOutput,
            Some("ffn_down" | "ffn_down_exps") => Self::Down,
            _ => Self::Other,
        }
    }
}

/// The first and the last eighth of the layers, and each third one between.
fn sensitive(layer: usize, layers: usize) -> bool {
    let eighth = layers / 8;
    layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2
}

/// The format itself, or one with at least its bits whose blocks fit a row; at last numbers, which fit every row.
fn fitting(wanted: Format, cols: usize) -> Format {
    let smaller = match wanted {
        Format::Q2K | Format::Q3K => Format::Q4_0,
        Format::Q4K => Format::Q5_0,
        Format::Q5K => Format::Q5_1,
        Format::Q6K => Format::Q8_0,
        Format::IQ4XS => Format::IQ4NL,
        _ => Format::F16,
    };
    let fits = |format: &Format| cols.is_multiple_of(format.block_weights());
    [wanted, smaller].into_iter().find(fits).unwrap_or(Format::F16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (at, mix) in MIXES.iter().enumerate() {
            assert_eq!(MIXES.iter().position(|other| other.name == mix.name), Some(at));
            assert_eq!(Mix::named(&mix.name.to_uppercase()), Some(*mix));
        }
    }

    #[test]
    fn rows_that_do_not_fit() {
        let rows = [
            (Format::Q4K, 256, Format::Q4K),
            (Format::Q4K, 96, Format::Q5_0),
            (Format::Q6K, 96, Format::Q8_0),
            (Format::Q8_0, 33, Format::F16),
            (Format::Q4K, 33, Format::F16),
            (Format::F32, 33, Format::F32),
        ];
        for (wanted, cols, expected) in rows {
            assert_eq!(fitting(wanted, cols), expected, "{wanted} {cols}");
        }
    }

    #[test]
    fn the_layers_that_get_more() {
        let more: Vec<usize> = (0..32).filter(|&layer| sensitive(layer, 32)).collect();
        assert_eq!(more, [0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28, 29, 30, 31]);
    }
}
