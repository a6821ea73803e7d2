//! Importance matrices in both of llama.cpp's forms (`vectors/checkpoint/make_importance.py`), whole and broken.

use checkpoint::ImportanceMatrix;

use crate::hostile::{Row, check};

fn bytes(form: &str) -> Vec<u8> {
    std::fs::read(testkit::vectors(&format!("checkpoint/importance.{form}"))).unwrap()
}

fn read(bytes: &[u8]) -> Result<ImportanceMatrix, String> {
    ImportanceMatrix::read(&bytes, "the.file").map_err(|error| error.to_string())
}

#[test]
fn means_of_both_forms() {
    let expected = testkit::json(&testkit::vectors("checkpoint/importance.json"));
    testkit::check_table(["gguf", "dat"].map(|form| (form, form)), |form| {
        let matrix = read(&bytes(form))?;
        assert_eq!((matrix.len(), matrix.is_empty(), matrix.means("blk.9.attn_q.weight")), (2, false, None));
        assert_eq!(matrix.datasets[0], "calibration.txt");
        assert_eq!((matrix.chunks, matrix.chunk_tokens), if form == "gguf" { (2, 512) } else { (3, 0) });
        for (name, means) in expected[form].as_object().unwrap() {
            let means: Vec<f32> = means.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
            if matrix.means(name) != Some(means) {
                return Err(format!("{name}: {:?}", matrix.means(name)));
            }
        }
        let mut written = Vec::new();
        matrix.write(&mut written).unwrap();
        if read(&written)? == matrix { Ok(()) } else { Err("comes back from a file as another".to_owned()) }
    });
}

#[test]
fn squares_are_summed_by_part() {
    let mut matrix = ImportanceMatrix::default();
    matrix.add("x", (1, 2), 2, &[8.0, 2.0]);
    matrix.add("x", (1, 2), 2, &[0.0, 2.0]);
    // Of another shape than at first.
    matrix.add("x", (0, 2), 2, &[1.0, 1.0, 1.0, 1.0, 1.0]);
    matrix.add("x", (7, 2), 2, &[1.0, 1.0]);
    assert_eq!(matrix.means("x"), Some(vec![1.0, 1.0, 2.0, 1.0]));
}

/// All that is in a file of the older form is needed, but for what older versions did not write at its end.
#[test]
fn cut_files() {
    let whole = bytes("dat");
    let ends = [whole.len() - 23, whole.len() - 19];
    for length in 0..whole.len() {
        let cut = read(&whole[..length]);
        assert_eq!(cut.is_ok(), ends.contains(&length), "{length}: {cut:?}");
    }
    let whole = bytes("gguf");
    assert!((0..whole.len() - 16).all(|length| read(&whole[..length]).is_err()));
}

#[test]
fn broken_files() {
    let replaced = |form: &str, at: usize, new: &[u8]| {
        let mut bytes = bytes(form);
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    let (huge, nan) = (u32::MAX.to_le_bytes(), f32::NAN.to_le_bytes());
    // Count, then length and name, then calls and the count of numbers.
    let numbers = 4 + 4 + 19 + 8;
    let rows = vec![
        Row("count", replaced("dat", 0, &huge), "the count of an importance matrix"),
        Row("text", b"Once upon a time".to_vec(), "the count of an importance matrix"),
        Row("name length", replaced("dat", 4, &huge), "entry 0"),
        Row("name", replaced("dat", 8, &[0xFF]), "entry 0: a name is not UTF-8"),
        Row("numbers", replaced("dat", numbers - 4, &huge), "entry 0"),
        Row("no numbers", replaced("dat", numbers - 4, &[0; 4]), "entry 0: there are no numbers"),
        Row("not a number", replaced("dat", numbers, &nan), "importance of `blk.0.attn_q.weight`: NaN is no sum"),
        Row("negative", replaced("dat", numbers, &(-1f32).to_le_bytes()), "-1 is no sum of squares"),
        Row("too long", [bytes("dat"), vec![0]].concat(), "1 bytes too many"),
        Row(
            "a model",
            std::fs::read(testkit::vectors("checkpoint/whole.gguf")).unwrap(),
            "but not an importance matrix",
        ),
    ];
    check(rows, |bytes| ImportanceMatrix::read(&bytes, "the.file").map(drop));
}

#[test]
fn text_is_told_from_importance() {
    let is_in = |name: &str| ImportanceMatrix::is_in(&testkit::vectors(name)).unwrap();
    assert!(is_in("checkpoint/importance.gguf") && is_in("checkpoint/importance.dat"));
    assert!(!is_in("checkpoint/importance.json") && !is_in("checkpoint/README.md"));
    assert!(ImportanceMatrix::is_in(std::path::Path::new("missing")).is_err());
}
