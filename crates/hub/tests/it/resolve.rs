//! Which model a word means.

use hub::{Found, resolve, survey};

use crate::disk::{COMMIT, OTHER_COMMIT, cached, folder, main_is, ollama, only, pulled, tiny, write};

fn disk() -> Vec<Found> {
    let place = folder("resolve");
    let (cache, models) = (place.join("hf"), place.join("models"));
    cached(&cache, "mistralai/Tiny-GGUF", COMMIT, "Tiny-Q4_K_M.gguf", b"four");
    cached(&cache, "mistralai/Tiny-GGUF", COMMIT, "Tiny-Q8_0.gguf", b"eight");
    cached(&cache, "mistralai/Tiny-GGUF", OTHER_COMMIT, "Tiny-Q8_0.gguf", b"older");
    main_is(&cache, "mistralai/Tiny-GGUF", COMMIT);
    pulled(&cache, "mistralai/Alone-GGUF:Q6_K", COMMIT, &[("Alone-Q6_K.gguf", &tiny(), true)]);
    ollama(&place.join("ollama"), "registry.ollama.ai/library/mistral/latest", &tiny());
    ollama(&place.join("ollama"), "hf.co/bartowski/Other-GGUF/Q4_K_M", b"other");
    cached(&cache, "bartowski/Mistral-Nemo-Instruct-2407-GGUF", COMMIT, "Nemo-Q4_K_M.gguf", b"nemo 4");
    cached(&cache, "bartowski/Mistral-Nemo-Instruct-2407-GGUF", COMMIT, "Nemo-Q8_0.gguf", b"nemo 8");
    write(
        &place.join("lm/mistralai/Ministral-3-3B-Instruct-2512-GGUF/Ministral-3-3B-Instruct-2512-Q4_K_M.gguf"),
        b"3b",
    );
    write(&place.join("lm/mistralai/Tiny-GGUF/Tiny-Q8_0.gguf"), b"eight");
    write(&place.join("lm/mistralai/Tiny-GGUF/Tiny-Q5_K_M.gguf"), b"five");
    // The same file, as three programs call it.
    write(&place.join("lm/bartowski/Copies-GGUF/Copies-Q4_0.gguf"), b"copy");
    ollama(&place.join("ollama"), "hf.co/bartowski/Copies-GGUF/Q4_0", b"copy");
    write(&place.join("llama/bartowski_Copies-GGUF_Copies-Q4_0.gguf"), b"copy");
    write(&place.join("llama/manifest=bartowski=Copies-GGUF=Q4_0.json"), "{}");
    write(&models.join("one/same.gguf"), b"1");
    write(&models.join("two/same.gguf"), b"22");
    write(&models.join("Case.gguf"), b"1");
    write(&models.join("case.gguf"), b"22");
    write(&models.join("split-00001-of-00002.gguf"), b"1");
    survey(&only(|roots| {
        roots.hugging_face = vec![cache];
        roots.ollama = vec![place.join("ollama")];
        roots.lm_studio = vec![place.join("lm")];
        roots.llama_cpp = vec![place.join("llama")];
        roots.folders = vec![models];
    }))
}

#[test]
fn words() {
    let found = disk();
    let snapshot = format!("{COMMIT}/Tiny-Q8_0.gguf");
    let rows = [
        ("mistralai/Tiny-GGUF:Q8_0", Ok(snapshot.as_str())),
        ("mistralai/tiny-gguf:q8_0", Ok(&snapshot)),
        ("hf.co/mistralai/Tiny-GGUF:Q8_0", Ok(&snapshot)),
        ("https://huggingface.co/mistralai/Tiny-GGUF:Q8_0", Ok(&snapshot)),
        ("mistralai/Tiny-GGUF:Tiny-Q8_0", Ok(&snapshot)),
        ("mistralai/Tiny-GGUF:q5_k_m", Ok("lm/mistralai/Tiny-GGUF/Tiny-Q5_K_M.gguf")),
        ("mistralai/Tiny-GGUF@fedcba987654:Q8_0", Ok("fedcba9876543210fedcba9876543210fedcba98/Tiny-Q8_0.gguf")),
        ("mistralai/Tiny-GGUF", Err("means several models, name one of them: mistralai/Tiny-GGUF:Q4_K_M")),
        ("mistralai/Alone-GGUF", Ok("Alone-Q6_K.gguf")),
        ("mistral", Ok("ollama/blobs/sha256-")),
        ("mistral:latest", Ok("ollama/blobs/sha256-")),
        ("hf.co/bartowski/Other-GGUF:Q4_K_M", Ok("ollama/blobs/sha256-")),
        ("bartowski/Other-GGUF:q4_k_m", Ok("ollama/blobs/sha256-")),
        ("bartowski/Other-GGUF", Ok("ollama/blobs/sha256-")),
        ("bartowski/Other-GGUF:Q8_0", Err("pull it with `tramontane pull bartowski/Other-GGUF:Q8_0`")),
        ("bartowski/Copies-GGUF:Q4_0", Ok("lm/bartowski/Copies-GGUF/Copies-Q4_0.gguf")),
        ("bartowski/Copies-GGUF", Ok("lm/bartowski/Copies-GGUF/Copies-Q4_0.gguf")),
        ("same", Err("models/two/same.gguf (models_dirs)")),
        ("one/same", Ok("models/one/same.gguf")),
        ("Case", Ok("models/Case.gguf")),
        ("case", Ok("models/case.gguf")),
        ("CASE", Err("means several models, name one of them: Case, case")),
        ("split", Err("cannot be used: part 2 of 2 is missing")),
        ("mistral:7b", Err("is not on this machine: pull it with `tramontane pull mistral:7b`")),
        ("mistrl", Err("near it: mistral:latest, mixtral")),
        ("ministrl-3:3b", Err("near it: ministral-3:3b")),
        ("nemo", Err("means several models, name one of them: bartowski/Mistral-Nemo-Instruct-2407-GGUF:Q4_K_M")),
        ("nemo:12b-q8_0", Ok("Nemo-Q8_0.gguf")),
        ("ministral-3:3b", Ok("lm/mistralai/Ministral-3-3B-Instruct-2512-GGUF/")),
        ("magistral-small", Err("pull it with `tramontane pull magistral-small`")),
        ("not-in-the-table:1b", Err("there is no such file, folder or model")),
        ("tiny", Err("near it: mistralai/Tiny-GGUF:Q4_K_M, mistralai/Tiny-GGUF:Q5_K_M, mistralai/Tiny-GGUF:Q8_0")),
        ("no such thing", Err("there is no such file, folder or model")),
        ("", Err("there is no such file, folder or model")),
        ("../../etc", Err("there is no such file, folder or model")),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(word, expected)| match (resolve(word, &found), expected) {
        (Ok(model), Ok(path)) if model.path.to_str().unwrap().contains(path) => Ok(()),
        (Err(error), Err(message)) if error.to_string().contains(message) => Ok(()),
        (got, _) => Err(format!("{got:?}")),
    });
}
