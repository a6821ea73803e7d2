//! What `verify` says of models of which something is missing.

use std::fs;
use std::path::Path;

use hub::{Found, Roots, Verdict, survey, verify};

use crate::disk::{COMMIT, cached, folder, main_is, ollama, only, pulled, tiny, write};

/// What is damaged, how a store with it is made, and what is to be said.
type Row = (&'static str, fn(&Path) -> Roots, Option<&'static str>);

fn of_ollama(place: &Path, damage: impl Fn(&Path)) -> Roots {
    ollama(place, "registry.ollama.ai/library/mistral/7b", &tiny());
    let blob = fs::read_dir(place.join("blobs")).unwrap().next().unwrap().unwrap().path();
    damage(&blob);
    only(|roots| roots.ollama = vec![place.to_owned()])
}

fn safetensors(place: &Path, damage: impl Fn(&Path)) -> Roots {
    cached(place, "someone/weights", COMMIT, "config.json", b"{}");
    let link = cached(place, "someone/weights", COMMIT, "model.safetensors", b"weights");
    main_is(place, "someone/weights", COMMIT);
    damage(&fs::canonicalize(link).unwrap());
    only(|roots| roots.hugging_face = vec![place.to_owned()])
}

fn split(place: &Path, parts: &[u32]) -> Roots {
    parts.iter().for_each(|part| write(&place.join(format!("m-0000{part}-of-00002.gguf")), "part"));
    only(|roots| roots.folders = vec![place.to_owned()])
}

#[test]
fn models_that_are_not_whole() {
    let rows: [Row; 9] = [
        ("Ollama", |place| of_ollama(place, |_| ()), None),
        ("Ollama, cut", |place| of_ollama(place, |blob| fs::write(blob, "cut").unwrap()), Some("has 3 bytes")),
        ("Ollama, gone", |place| of_ollama(place, |blob| fs::remove_file(blob).unwrap()), Some("is missing")),
        ("safetensors", |place| safetensors(place, |_| ()), None),
        (
            "safetensors, gone",
            |place| safetensors(place, |blob| fs::remove_file(blob).unwrap()),
            Some("model.safetensors is a link to a file that is not there"),
        ),
        ("parts", |place| split(place, &[1, 2]), None),
        ("one part", |place| split(place, &[1]), Some("part 2 of 2 is missing")),
        (
            "pulled",
            |place| {
                pulled(place, "a/b:Q4_0", COMMIT, &[("m-Q4_0.gguf", &tiny(), true)]);
                only(|roots| roots.hugging_face = vec![place.to_owned()])
            },
            None,
        ),
        (
            "pulled, gone",
            |place| {
                pulled(place, "a/b:Q4_0", COMMIT, &[("m-Q4_0.gguf", &tiny(), true)]);
                fs::remove_dir_all(place.join("models--a--b/blobs")).unwrap();
                only(|roots| roots.hugging_face = vec![place.to_owned()])
            },
            Some("it is missing"),
        ),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(name, make, expected)| {
        let found: Vec<Found> = survey(&make(&folder(&format!("verify-{}", name.replace([',', ' '], "-")))));
        let [model] = found.as_slice() else { return Err(format!("{found:?}")) };
        let verified = verify(model, None, None, &|_| true).unwrap();
        let told = verified.files.iter().find_map(|file| match &file.verdict {
            Verdict::Differs(problem) => Some(problem.clone()),
            _ => None,
        });
        let right = match (&told, expected) {
            (None, None) => !verified.files.is_empty(),
            (Some(told), Some(expected)) => told.contains(expected),
            _ => false,
        };
        if right && verified.is_good() == expected.is_none() { Ok(()) } else { Err(format!("{verified:?}")) }
    });
}
