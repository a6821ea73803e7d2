//! Which ways of keeping weights in few bits can be read from safetensors: 8-bit floats with scales, no others.

use crate::Error;
use crate::json::Fields;

/// What a configuration says of weights in few bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quantization {
    /// Rows and columns that share a scale, where the file says so.
    pub(crate) block: Option<(usize, usize)>,
}

/// Reads `quantization_config` (of either layout), or Mistral's `quantization`.
pub(crate) fn quantization(fields: &Fields<'_>) -> Result<Quantization, Error> {
    if let Some(own) = fields.object("quantization", "quantization.")? {
        return match own.text("qformat_weight")? {
            Some("fp8_e4m3") => Ok(Quantization::default()),
            other => own.unsupported("qformat_weight", format_args!("{} is not read, only fp8_e4m3", named(other))),
        };
    }
    let Some(config) = fields.object("quantization_config", "quantization_config.")? else {
        return Ok(Quantization::default());
    };
    match config.text("quant_method")? {
        Some("fp8") => Ok(Quantization { block: block(&config, "weight_block_size")? }),
        Some("compressed-tensors") => compressed_tensors(&config),
        other => config.unsupported(
            "quant_method",
            format_args!("{} is not read: take the original files, the FP8 ones, or a GGUF file", named(other)),
        ),
    }
}

/// The library of that name writes many formats; one of them is plain 8-bit floats.
fn compressed_tensors(config: &Fields<'_>) -> Result<Quantization, Error> {
    const FORMATS: [&str; 2] = ["float-quantized", "naive-quantized"];
    let format = config.text("format")?;
    if format.is_some_and(|format| !FORMATS.contains(&format)) {
        return config
            .unsupported("format", format_args!("{} is not read, only {}", named(format), FORMATS.join(" and ")));
    }
    let Some(groups) = config.object("config_groups", "quantization_config.config_groups.")? else {
        return config.wrong("config_groups", "is missing");
    };
    let mut blocks = Vec::new();
    for name in groups.keys() {
        let Some(group) = groups.object(name, "quantization_config.config_groups.*.")? else { continue };
        let Some(weights) = group.object("weights", "quantization_config.config_groups.*.weights.")? else { continue };
        blocks.push(float8(&weights)?);
    }
    match blocks.split_first() {
        Some((first, rest)) if rest.iter().all(|block| block == first) => Ok(Quantization { block: *first }),
        _ => config.unsupported("config_groups", "several groups with blocks of different sizes are not read"),
    }
}

fn float8(weights: &Fields<'_>) -> Result<Option<(usize, usize)>, Error> {
    let (bits, kind) = (weights.number("num_bits")?, weights.text("type")?);
    if bits != Some(8.0) || kind != Some("float") || weights.flag("symmetric")? == Some(false) {
        let problem = format!("{} {} is not read, only 8-bit symmetric float", bits.unwrap_or(0.0), named(kind));
        return weights.unsupported("num_bits", problem);
    }
    match weights.text("strategy")? {
        None | Some("tensor" | "channel") => Ok(None),
        Some("block") => block(weights, "block_structure"),
        other => weights.unsupported("strategy", format_args!("{} is not read", named(other))),
    }
}

fn block(fields: &Fields<'_>, key: &str) -> Result<Option<(usize, usize)>, Error> {
    let Some(sizes) = fields.array(key)? else { return Ok(None) };
    let sizes: Option<Vec<usize>> =
        sizes.iter().map(|size| usize::try_from(size.as_u64()?).ok().filter(|size| *size > 0)).collect();
    match sizes.as_deref() {
        Some(&[rows, cols]) => Ok(Some((rows, cols))),
        _ => fields.wrong(key, "is not two whole numbers"),
    }
}

fn named(name: Option<&str>) -> String {
    name.map_or_else(|| "a method without a name".to_owned(), |name| format!("`{name:.60}`"))
}
