//! What is found in the folders of other programs, and what is not.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use hub::{Found, Place, Roots, survey};

use crate::disk::{COMMIT, OTHER_COMMIT, cached, folder, main_is, ollama, ollama_manifest, only, pulled, tiny, write};

/// `NAME problem`, in order.
fn told(found: &[Found]) -> Vec<(String, Option<String>)> {
    found.iter().map(|model| (model.name.clone(), model.problem.clone())).collect()
}

fn names(found: &[Found]) -> Vec<&str> {
    found.iter().map(|model| model.name.as_str()).collect()
}

#[test]
fn the_hugging_face_cache() {
    let cache = folder("places-hf");
    let model = tiny();
    cached(&cache, "mistralai/Tiny-GGUF", COMMIT, "Tiny-Q4_K_M.gguf", &model);
    cached(&cache, "mistralai/Tiny-GGUF", COMMIT, "BF16/Tiny-BF16-00001-of-00002.gguf", &model);
    cached(&cache, "mistralai/Tiny-GGUF", COMMIT, "BF16/Tiny-BF16-00002-of-00002.gguf", b"second");
    cached(&cache, "mistralai/Tiny-GGUF", COMMIT, "mmproj-Tiny-F16.gguf", b"no model");
    cached(&cache, "mistralai/Tiny-GGUF", OTHER_COMMIT, "Tiny-Q8_0.gguf", b"older");
    main_is(&cache, "mistralai/Tiny-GGUF", COMMIT);
    cached(&cache, "someone/weights", COMMIT, "config.json", b"{}");
    cached(&cache, "someone/weights", COMMIT, "model.safetensors", b"weights");
    cached(&cache, "someone/weights", COMMIT, "README.md", b"not part of it");
    cached(&cache, "someone/nothing", COMMIT, "config.json", b"{}");
    write(&cache.join("datasets--a--b/snapshots/x/y.gguf"), "no model");
    write(&cache.join("models--a--b/snapshots/not-a-commit/y.gguf"), "no commit");
    let found = survey(&only(|roots| roots.hugging_face = vec![cache.clone()]));
    assert_eq!(
        names(&found),
        [
            "mistralai/Tiny-GGUF:BF16",
            "mistralai/Tiny-GGUF:Q4_K_M",
            "mistralai/Tiny-GGUF@fedcba987654:Q8_0",
            "someone/weights"
        ]
    );
    let [split, plain, older, weights] = &found[..] else { unreachable!() };
    assert_eq!((split.files.len(), plain.files.len(), weights.files.len()), (2, 1, 2));
    assert_eq!(plain.size_bytes(), model.len() as u64);
    assert!(plain.path.ends_with(format!("snapshots/{COMMIT}/Tiny-Q4_K_M.gguf")), "{plain:?}");
    assert!(weights.path.ends_with(format!("snapshots/{COMMIT}")) && weights.problem.is_none());
    assert_eq!(plain.aliases, ["mistralai/Tiny-GGUF:Tiny-Q4_K_M"]);
    assert_eq!(older.aliases, ["mistralai/Tiny-GGUF@fedcba987654", "mistralai/Tiny-GGUF@fedcba987654:Tiny-Q8_0"]);
    assert_eq!(plain.revision.as_ref().unwrap().as_str(), COMMIT);
    let blob = plain.files[0].path.file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(plain.files[0].expected.unwrap().to_string(), blob);
}

/// A manifest gives its model no name of another repository.
#[test]
fn names_of_others() {
    let cache = folder("places-names");
    let manifest = pulled(&cache, "a/b:Q4_0", COMMIT, &[("m-Q4_0.gguf", &tiny(), true)]);
    let rows = [("a/b:Q4_0", true), ("a/b", true), ("mistral:7b", false), ("nothing:1b", false), ("c/d:Q4_0", false)];
    testkit::check_table(rows.map(|row| (row.0, row)), |(name, own)| {
        let lying = hub::Manifest { name: hub::ModelName::parse(name).unwrap(), ..manifest.clone() };
        lying.write(&hub::Folders::at(&cache).repo(&lying.repo)).unwrap();
        let found = survey(&only(|roots| roots.hugging_face = vec![cache.clone()]));
        let called = found[0].name == name || found[0].aliases.iter().any(|alias| alias == name);
        if called == own && found[0].manifest.is_some() { Ok(()) } else { Err(format!("{:?}", found[0].aliases)) }
    });
}

/// Links that lead elsewhere are told of, never followed.
#[test]
fn links_that_lead_out() {
    let cache = folder("places-links");
    let secret = folder("places-secret").join("secret.gguf");
    write(&secret, tiny());
    cached(&cache, "a/other", COMMIT, "model-Q8_0.gguf", &tiny());
    let snapshot = cache.join("models--a--b/snapshots").join(COMMIT);
    fs::create_dir_all(&snapshot).unwrap();
    let link = |target: &Path, name: &str| std::os::unix::fs::symlink(target, snapshot.join(name)).unwrap();
    link(&secret, "out-Q4_0.gguf");
    link(Path::new("../../snapshots"), "folder.gguf");
    let other =
        fs::canonicalize(cache.join("models--a--other/snapshots").join(COMMIT).join("model-Q8_0.gguf")).unwrap();
    link(&other, "neighbour-Q5_0.gguf");
    link(Path::new("../../blobs/none"), "gone-Q6_K.gguf");
    link(Path::new("circle-Q2_K.gguf"), "circle-Q2_K.gguf");
    std::os::unix::fs::symlink(secret.parent().unwrap(), cache.join("models--x--y")).unwrap();
    let found = survey(&only(|roots| roots.hugging_face = vec![cache]));
    let told: Vec<_> = told(&found).into_iter().filter(|(name, _)| name.starts_with("a/b")).collect();
    let expected = [
        ("a/b:Q2_K", "a link to a file that is not there"),
        ("a/b:Q4_0", "a link that leads out of"),
        ("a/b:Q5_0", "a link that leads out of"),
        ("a/b:Q6_K", "a link to a file that is not there"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for ((name, problem), (expected_name, expected_problem)) in told.iter().zip(expected) {
        assert_eq!(name, expected_name);
        assert!(problem.as_ref().unwrap().contains(expected_problem), "{name}: {problem:?}");
    }
    assert!(found.iter().all(|model| model.files.iter().all(|file| !file.path.ends_with("secret.gguf"))));
}

#[test]
fn lm_studio() {
    let models = folder("places-lm");
    write(&models.join("lmstudio-community/Tiny-GGUF/Tiny-Q4_K_M.gguf"), tiny());
    write(&models.join("lmstudio-community/Tiny-GGUF/Tiny-Q8_0.gguf"), tiny());
    write(&models.join("lmstudio-community/Tiny-GGUF/mmproj-F16.gguf"), "no");
    write(&models.join("mine/one/one.gguf"), tiny());
    write(&models.join("mine/too/deep/one.gguf"), tiny());
    let found = survey(&only(|roots| roots.lm_studio = vec![models]));
    assert_eq!(
        names(&found),
        ["lmstudio-community/Tiny-GGUF:Q4_K_M", "lmstudio-community/Tiny-GGUF:Q8_0", "mine/one:one"]
    );
    assert_eq!(found[2].aliases, ["mine/one"]);
}

#[test]
fn ollama_models() {
    let models = folder("places-ollama");
    ollama(&models, "registry.ollama.ai/library/mistral/7b", &tiny());
    ollama(&models, "registry.ollama.ai/library/mistral/latest", &tiny());
    ollama(&models, "registry.ollama.ai/someone/own/v1", &tiny());
    ollama(&models, "hf.co/bartowski/Tiny-GGUF/Q4_K_M", &tiny());
    let found = survey(&only(|roots| roots.ollama = vec![models.clone()]));
    assert_eq!(names(&found), ["hf.co/bartowski/Tiny-GGUF:Q4_K_M", "mistral:7b", "mistral:latest", "someone/own:v1"]);
    assert_eq!(found[2].aliases, ["mistral"]);
    assert!(found.iter().all(|model| model.problem.is_none() && model.path.starts_with(models.join("blobs"))));
}

/// Digests that lead elsewhere, manifests of the wrong form: told of, and nothing is opened.
#[test]
fn hostile_ollama_manifests() {
    let models = folder("places-ollama-hostile");
    let digest = hub::Sha256Digest::of(&tiny()).to_string();
    write(&models.join("blobs").join(format!("sha256-{digest}")), tiny());
    let size = tiny().len();
    let many =
        serde_json::json!({ "layers": vec![serde_json::json!({ "mediaType": "x", "digest": "y", "size": 1 }); 5000] });
    let rows = [
        ("a-good", ollama_manifest(&format!("sha256:{digest}"), size), None),
        ("b-up", ollama_manifest("sha256:../../../../etc/passwd", size), Some("a digest that is none")),
        ("c-short", ollama_manifest(&format!("sha256:{}", &digest[1..]), size), Some("a digest that is none")),
        ("d-long", ollama_manifest(&format!("sha256:{digest}0"), size), Some("a digest that is none")),
        (
            "e-capitals",
            ollama_manifest(&format!("sha256:{}", digest.to_uppercase()), size),
            Some("a digest that is none"),
        ),
        ("f-dash", ollama_manifest(&format!("sha256-{digest}"), size), Some("a digest that is none")),
        ("g-nul", ollama_manifest(&format!("sha256:{digest}\0"), size), Some("a digest that is none")),
        ("h-bare", ollama_manifest(&digest, size), Some("a digest that is none")),
        ("i-size", ollama_manifest(&format!("sha256:{digest}"), size + 1), Some("its manifest says")),
        ("j-gone", ollama_manifest(&format!("sha256:{}", "0".repeat(64)), size), Some("is missing")),
        (
            "k-negative",
            ollama_manifest(&format!("sha256:{digest}"), size).replace(&size.to_string(), "-1"),
            Some("damaged"),
        ),
        ("l-depth", "[".repeat(100_000), Some("damaged")),
        ("m-layers", many.to_string(), Some("5000 layers")),
        ("n-huge", " ".repeat(5 << 20), Some("cannot be read")),
        ("o-none", "{}".to_owned(), Some("names no weights")),
        ("p-tensors", ollama_manifest(&digest, size).replace("image.model", "image.tensor"), Some("single tensors")),
        (
            "q-adapter",
            ollama_manifest(&format!("sha256:{digest}"), size).replace("image.template", "image.adapter"),
            Some("LoRA"),
        ),
    ];
    for (tag, text, _) in &rows {
        write(&models.join("manifests/registry.ollama.ai/library/m").join(tag), text);
    }
    let found = survey(&only(|roots| roots.ollama = vec![models.clone()]));
    assert_eq!(found.len(), rows.len());
    testkit::check_table(rows.iter().zip(&found).map(|(row, found)| (row.0, (row, found))), |(row, found)| {
        let right = match (&found.problem, row.2) {
            (None, None) => true,
            (Some(problem), Some(expected)) => problem.contains(expected),
            _ => false,
        };
        let inside = found.files.iter().all(|file| file.path.starts_with(models.join("blobs")));
        if right && inside && found.name == format!("m:{}", row.0) { Ok(()) } else { Err(format!("{found:?}")) }
    });
}

#[test]
fn the_cache_of_llama_cpp() {
    let cache = folder("places-llama");
    write(&cache.join("ggml-org_Tiny-GGUF_Tiny-Q4_K_M.gguf"), tiny());
    write(&cache.join("manifest=ggml-org=Tiny-GGUF=latest.json"), "{}");
    write(&cache.join("unknown_repo_file.gguf"), tiny());
    let found = survey(&only(|roots| roots.llama_cpp = vec![cache]));
    assert_eq!(names(&found), ["ggml-org/Tiny-GGUF:Q4_K_M", "unknown_repo_file"]);
    assert_eq!(found[0].origin.as_deref(), Some("ggml-org/Tiny-GGUF"));
}

#[test]
fn any_folder() {
    let models = folder("places-any");
    write(&models.join("top-Q8_0.gguf"), tiny());
    write(&models.join("deep/er/model-Q4_0.gguf"), tiny());
    write(&models.join("hf-model/params.json"), "{}");
    write(&models.join("hf-model/consolidated.safetensors"), "weights");
    write(&models.join("one/two/three/four/five/six/too-deep.gguf"), tiny());
    write(&models.join(".hidden/x.gguf"), tiny());
    write(&models.join("part-00001-of-00003.gguf"), tiny());
    write(&models.join("part-00003-of-00003.gguf"), tiny());
    std::os::unix::fs::symlink(&models, models.join("circle")).unwrap();
    let found = survey(&only(|roots| roots.folders = vec![models.clone(), models.clone()]));
    assert_eq!(names(&found), ["hf-model", "model-Q4_0", "part", "top-Q8_0"]);
    assert_eq!(found[1].aliases, ["deep/er/model-Q4_0"]);
    assert_eq!(found[2].problem.as_deref(), Some("part 2 of 3 is missing"));
    assert!(found.iter().all(|model| model.place == Place::Folder));
}

#[test]
fn where_programs_keep_models() {
    let home = folder("places-home");
    let elsewhere = folder("places-elsewhere");
    let settings = serde_json::json!({ "downloadsFolder": elsewhere.join("lm"), "theme": "dark" });
    write(&home.join(".lmstudio/settings.json"), settings.to_string());
    let roots = |variables: &[(&str, &str)]| {
        let find = |name: &str| {
            let home = (name == "HOME").then(|| home.clone().into_os_string());
            variables.iter().find(|(other, _)| *other == name).map(|(_, value)| OsString::from(value)).or(home)
        };
        Roots::find(&find, &[PathBuf::from("~/mine"), PathBuf::from("/models")])
    };
    let plain = roots(&[]);
    assert_eq!(plain.hugging_face, [home.join(".cache/huggingface/hub")]);
    assert_eq!(
        plain.lm_studio,
        [elsewhere.join("lm"), home.join(".lmstudio/models"), home.join(".cache/lm-studio/models")]
    );
    assert_eq!(plain.ollama, [home.join(".ollama/models"), PathBuf::from("/usr/share/ollama/.ollama/models")]);
    assert_eq!(plain.folders, [home.join("mine"), PathBuf::from("/models")]);
    let set = roots(&[("HF_HOME", "/hf"), ("OLLAMA_MODELS", "/o"), ("LLAMA_CACHE", "/l"), ("HF_HUB_CACHE", "")]);
    let paths = |path: &str| vec![PathBuf::from(path)];
    assert_eq!((set.hugging_face, set.ollama, set.llama_cpp), (paths("/hf/hub"), paths("/o"), paths("/l")));
    let none = Roots::find(&|_| None, &[]);
    assert!(none.hugging_face.is_empty() && none.lm_studio.is_empty(), "{none:?}");
}
