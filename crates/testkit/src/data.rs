//! Reference data: golden JSON, and f32 arrays in raw `.f32` files or safetensors.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// An f32 array with its shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// The numbers, innermost extent fastest.
    pub values: Vec<f32>,
}

/// A JSON file.
///
/// # Panics
/// The file is missing or broken.
pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&bytes(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A file of little-endian f32 numbers and nothing else.
///
/// # Panics
/// The file is missing, or not a whole number of floats.
pub fn floats(path: &Path) -> Vec<f32> {
    decode(&bytes(path)).unwrap_or_else(|| panic!("{}: not a whole number of floats", path.display()))
}

/// The f32 tensors of a safetensors file, by name; tensors of other types are left out.
///
/// # Panics
/// The file is missing or broken.
pub fn safetensors(path: &Path) -> BTreeMap<String, Array> {
    parse(&bytes(path)).unwrap_or_else(|| panic!("{}: not a safetensors file", path.display()))
}

fn parse(file: &[u8]) -> Option<BTreeMap<String, Array>> {
    let (length, rest) = file.split_first_chunk()?;
    let (header, data) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let header: Value = serde_json::from_slice(header).ok()?;
    let f32s = header.as_object()?.iter().filter(|(_, entry)| entry["dtype"] == "F32");
    f32s.map(|(name, entry)| {
        let [start, end] = numbers(&entry["data_offsets"])?[..] else { return None };
        Some((name.clone(), Array { shape: numbers(&entry["shape"])?, values: decode(data.get(start..end)?)? }))
    })
    .collect()
}

fn numbers(list: &Value) -> Option<Vec<usize>> {
    list.as_array()?.iter().map(|n| usize::try_from(n.as_u64()?).ok()).collect()
}

fn decode(bytes: &[u8]) -> Option<Vec<f32>> {
    let (floats, rest) = bytes.as_chunks();
    rest.is_empty().then(|| floats.iter().map(|&b| f32::from_le_bytes(b)).collect())
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_safetensors_file_by_hand() {
        let header = br#"{"__metadata__":{"a":"b"},"i":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},"x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}"#;
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(header);
        file.extend([1.0f32, -2.5].iter().flat_map(|x| x.to_le_bytes()));
        file.extend([0; 8]);
        let tensors = parse(&file).unwrap();
        assert_eq!(tensors.len(), 1);
        assert_eq!(tensors["x"], Array { shape: vec![2, 1], values: vec![1.0, -2.5] });
        assert_eq!(parse(&file[..file.len() - 12]), None);
    }
}
