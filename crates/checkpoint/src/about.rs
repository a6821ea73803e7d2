//! What a checkpoint says of itself, for people.

use quant::Format;

use crate::Recommended;

/// Facts about a checkpoint for `show`. Nothing in the computation depends on them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The model's name, as the files give it.
    pub name: Option<String>,
    /// Licence, as the files give it.
    pub license: Option<String>,
    /// What whoever quantised the file called the mix of formats: `Q4_K_M`. GGUF only.
    pub file_type: Option<String>,
    /// Weights of the parts that are run.
    pub parameters: u64,
    /// Bytes of all model files.
    pub size_bytes: u64,
    /// Model files.
    pub files: Vec<String>,
    /// Formats of the weights with how many tensors are in each, the most frequent first.
    pub formats: Vec<(Format, usize)>,
    /// How tokens are best chosen, where the files say so.
    pub recommended: Recommended,
    /// Other short values that the files carry, by their own keys. Long texts and lists are left out.
    pub keys: Vec<(String, String)>,
}

/// Names of `general.file_type` in GGUF files.
pub(crate) fn file_type(number: i128) -> Option<&'static str> {
    Some(match number {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K_S",
        12 => "Q3_K_M",
        13 => "Q3_K_L",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        21 => "Q2_K_S",
        25 => "IQ4_NL",
        30 => "IQ4_XS",
        32 => "BF16",
        38 => "MXFP4_MOE",
        _ => return None,
    })
}
