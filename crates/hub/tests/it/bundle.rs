//! Bundles: there and back, and what becomes of damaged and hostile ones.

use std::fs;
use std::path::{Path, PathBuf};

use hub::{
    Bundle, Contents, Error, Folders, Found, Manifest, Roots, Sha256Digest, Verdict, add, create, extract_program,
    survey, verify,
};
use serde_json::{Value, json};

use crate::disk::{COMMIT, all_files, cached, folder, main_is, ollama, only, pulled, tiny, write};

const NOW: u64 = 1_800_000_000;
const PROGRAM: &[u8] = b"\x7fELF not really a program";

/// Models of every kind of place, and a program.
fn source(test: &str) -> (PathBuf, Vec<Found>) {
    let place = folder(&format!("bundle-{test}-source"));
    let cache = place.join("hf");
    pulled(&cache, "mistralai/Tiny-GGUF:Q4_0", COMMIT, &[("deep/Tiny-Q4_0.gguf", &tiny(), true)]);
    cached(&cache, "someone/weights", COMMIT, "model.safetensors", b"weights");
    git_cached(&cache, "someone/weights", "config.json", b"{}");
    main_is(&cache, "someone/weights", COMMIT);
    ollama(&place.join("ollama"), "registry.ollama.ai/library/mistral/7b", b"of Ollama");
    write(&place.join("mine/My own model (1).gguf"), tiny());
    let found = survey(&only(|roots| {
        roots.hugging_face = vec![cache];
        roots.ollama = vec![place.join("ollama")];
        roots.folders = vec![place.join("mine")];
    }));
    assert_eq!(found.len(), 4);
    write(&place.join("program"), PROGRAM);
    (place, found)
}

/// A small file as the hub keeps it: its blob is called by git's hash.
fn git_cached(cache: &Path, repo: &str, name: &str, bytes: &[u8]) {
    let mut digesting = hub::Digesting::git(bytes.len() as u64);
    digesting.update(bytes);
    let digest = digesting.finish().to_string();
    let repo = cache.join(format!("models--{}", repo.replace('/', "--")));
    write(&repo.join("blobs").join(&digest), bytes);
    std::os::unix::fs::symlink(format!("../../blobs/{digest}"), repo.join("snapshots").join(COMMIT).join(name))
        .unwrap();
}

fn made(place: &Path, found: &[Found]) -> PathBuf {
    let out = place.join("all.bundle");
    let program = place.join("program");
    let contents = Contents {
        models: found,
        program: Some((&program, "0.1.0", "x86_64-linux")),
        made_by: "tramontane 0.1.0",
        now: NOW,
    };
    create(&contents, &out, &|_| true).unwrap();
    out
}

fn cache_of(path: &Path) -> Roots {
    only(|roots| roots.hugging_face = vec![path.to_owned()])
}

#[test]
fn there_and_back() {
    let (place, found) = source("round");
    let file = made(&place, &found);
    let mut bundle = Bundle::open(&file).unwrap();
    assert_eq!((bundle.header().models.len(), bundle.header().members.len()), (4, 5));
    bundle.verify(&|_| true).unwrap();
    // Without the program, with nothing but `tail` and `head`.
    let start = bundle.program_start().unwrap() as usize;
    assert_eq!(&fs::read(&file).unwrap()[start..start + PROGRAM.len()], PROGRAM);
    let out = place.join("out");
    extract_program(&mut bundle, &out, &|_| true).unwrap();
    assert_eq!(fs::read(&out).unwrap(), PROGRAM);
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&out).unwrap().permissions()) & 0o111, 0o111);
    assert!(matches!(extract_program(&mut bundle, &out, &|_| true), Err(Error::Bundle { .. })));

    let cache = folder("bundle-round-target");
    let added = add(&mut bundle, &Folders::at(&cache), &|_| true, NOW, &|_| true).unwrap();
    assert_eq!(added.iter().map(|model| model.written_bytes).sum::<u64>(), 2 * tiny().len() as u64 + 7 + 2 + 9);
    let here = survey(&cache_of(&cache));
    let names: Vec<_> = here.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(
        names,
        ["local/My-own-model-1", "local/mistral-7b:mistral-7b", "mistralai/Tiny-GGUF:Q4_0", "someone/weights"]
            .map(|name| if name == "local/My-own-model-1" { "local/My-own-model-1:My own model (1)" } else { name })
    );
    for model in &here {
        let manifest = model.manifest.as_ref().unwrap_or_else(|| panic!("{model:?}"));
        assert!(manifest.files.iter().all(|file| file.fetched) && manifest.fetched_at == NOW);
        let verification = verify(model, None, None, &|_| true).unwrap();
        assert!(verification.is_good(), "{verification:?}");
        assert!(verification.files.iter().all(|file| file.verdict == Verdict::Same && file.records.len() == 2));
    }
    // Once more: nothing is written, and what is ours stays ours.
    let again = add(&mut bundle, &Folders::at(&cache), &|_| true, NOW, &|_| true).unwrap();
    assert!(again.iter().all(|model| model.written_bytes == 0 && model.manifest.files.iter().all(|file| file.fetched)));
    assert!(all_files(&cache).iter().all(|file| !file.ends_with(".bundle") && !file.ends_with(".partial")));
}

#[test]
fn one_of_several() {
    let (place, found) = source("one");
    let mut bundle = Bundle::open(&made(&place, &found)).unwrap();
    let cache = folder("bundle-one-target");
    let choose = |model: &Manifest| model.repo.to_string() == "someone/weights";
    add(&mut bundle, &Folders::at(&cache), &choose, NOW, &|_| true).unwrap();
    assert_eq!(survey(&cache_of(&cache)).len(), 1);
}

#[test]
fn what_is_in_the_way_is_said() {
    let (place, mut found) = source("way");
    let file = made(&place, &found);
    fn contents(models: &[Found]) -> Contents<'_> {
        Contents { models, program: None, made_by: "x", now: NOW }
    }
    let refused = create(&contents(&found), &file, &|_| true).unwrap_err();
    assert!(refused.to_string().contains("something of this name is there"), "{refused}");
    let out = place.join("other.bundle");
    assert!(matches!(create(&contents(&found), &out, &|_| false), Err(Error::Stopped)));
    found[0].problem = Some("part 2 of 3 is missing".to_owned());
    let refused = create(&contents(&found), &out, &|_| true).unwrap_err();
    assert!(refused.to_string().contains("cannot be bundled: part 2 of 3 is missing"), "{refused}");
    found[0].problem = None;
    // A blob that is not what it is called.
    fs::write(&found[0].files[0].path, "damaged").unwrap();
    let refused = create(&contents(&found[..1]), &out, &|_| true).unwrap_err();
    assert!(refused.to_string().contains("is not what its hash says"), "{refused}");
    assert_eq!(all_files(&place).iter().filter(|name| name.contains("other")).count(), 0);

    let cache = folder("bundle-way-target");
    let mut bundle = Bundle::open(&file).unwrap();
    let stopped = add(&mut bundle, &Folders::at(&cache), &|_| true, NOW, &|_| false);
    assert!(matches!(stopped, Err(Error::Stopped)));
    let is_lock = |name: &String| name.starts_with(".locks/");
    assert!(all_files(&cache).iter().all(is_lock), "{:?}", all_files(&cache));
    // The name is taken by other bytes.
    let blob = cache.join("models--mistralai--Tiny-GGUF/blobs").join(Sha256Digest::of(&tiny()).to_string());
    write(&blob, "other bytes");
    let refused = add(&mut bundle, &Folders::at(&cache), &|_| true, NOW, &|_| true).unwrap_err();
    assert!(refused.to_string().contains("not what its name says"), "{refused}");
    assert_eq!(fs::read(&blob).unwrap(), b"other bytes");
}

/// What is called by git's hash is checked by it too: no bundle is made or called good that `add` refuses.
#[test]
fn files_that_are_not_what_their_hub_calls_them() {
    let (place, found) = source("git");
    let file = made(&place, &found);
    let weights: Vec<_> = found.into_iter().filter(|model| model.name == "someone/weights").collect();
    let config = weights[0].files.iter().find(|file| file.name == "config.json").unwrap();
    fs::write(&config.path, "[]").unwrap();
    let contents = Contents { models: &weights, program: None, made_by: "x", now: NOW };
    let refused = create(&contents, &place.join("other.bundle"), &|_| true).unwrap_err();
    assert!(refused.to_string().contains("config.json is not what its hash says"), "{refused}");

    let mut header: Value = header_of(&file).0;
    let models = header["models"].as_array_mut().unwrap();
    let git = models.iter_mut().flat_map(|model| model["files"].as_array_mut().unwrap());
    git.filter(|file| file["path"] == "config.json").for_each(|file| file["blob"] = "0".repeat(40).into());
    with_header(&file, &header.to_string());
    let mut bundle = Bundle::open(&file).unwrap();
    let refused = bundle.verify(&|_| true).unwrap_err();
    assert!(refused.to_string().contains("config.json is not what its hub calls it"), "{refused}");
}

/// Two who add the same at the same time, and one who waits for somebody else until it is stopped.
#[test]
fn others_at_the_same_time() {
    let (place, found) = source("others");
    let file = made(&place, &found);
    let cache = folder("bundle-others-target");
    let add_all =
        |watch: &hub::Watch<'_>| add(&mut Bundle::open(&file).unwrap(), &Folders::at(&cache), &|_| true, NOW, watch);
    let lock = cache.join(".locks/models--mistralai--Tiny-GGUF").join(format!("{}.lock", Sha256Digest::of(&tiny())));
    write(&lock, "");
    let held = fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    let waited = std::sync::atomic::AtomicUsize::new(0);
    let stopped = add_all(&|_| waited.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 3);
    assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    assert!(!cache.join("models--mistralai--Tiny-GGUF/blobs").exists());
    drop(held);
    std::thread::scope(|scope| {
        let added: Vec<_> = (0..4).map(|_| scope.spawn(|| add_all(&|_| true))).collect();
        added.into_iter().for_each(|added| assert_eq!(added.join().unwrap().unwrap().len(), 4));
    });
    for model in survey(&cache_of(&cache)) {
        assert!(verify(&model, None, None, &|_| true).unwrap().is_good(), "{model:?}");
        assert!(model.manifest.as_ref().unwrap().files.iter().all(|file| file.fetched), "{model:?}");
        hub::Removal::of(&model).unwrap().apply().unwrap();
    }
    assert!(all_files(&cache).iter().all(|name| name.starts_with(".locks/")), "{:?}", all_files(&cache));
}

/// Cut between two files and done again, all of it is ours; given up, all of it can be given back.
#[test]
fn what_a_cut_left_is_ours() {
    let (place, found) = source("cut");
    let file = made(&place, &found);
    let cache = folder("bundle-cut-target");
    let folders = Folders::at(&cache);
    let weights = |model: &Manifest| model.repo.to_string() == "someone/weights";
    let add_weights = |watch: &hub::Watch<'_>| add(&mut Bundle::open(&file).unwrap(), &folders, &weights, NOW, watch);
    let cut = || {
        let bytes = std::sync::atomic::AtomicU64::new(0);
        // The last byte of the second file does not come.
        let stopped = add_weights(&|more| bytes.fetch_add(more, std::sync::atomic::Ordering::Relaxed) + more < 9);
        assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    };
    cut();
    let name = hub::ModelName::parse("someone/weights").unwrap();
    let removal = hub::Removal::of_cut(&name, &folders).unwrap().unwrap();
    assert_eq!((removal.blobs.len(), removal.kept.len()), (1, 0), "{removal:?}");
    removal.apply().unwrap();
    assert!(!cache.join("models--someone--weights").exists(), "{:?}", all_files(&cache));
    assert!(hub::Removal::of_cut(&name, &folders).unwrap().is_none());

    cut();
    let added = add_weights(&|_| true).unwrap();
    assert!(added[0].manifest.files.iter().all(|file| file.fetched), "{added:?}");
    assert!(hub::Removal::of_cut(&name, &folders).unwrap().is_none());
    hub::Removal::of(&survey(&cache_of(&cache))[0]).unwrap().apply().unwrap();
    assert!(!cache.join("models--someone--weights").exists(), "{:?}", all_files(&cache));
}

/// Every byte counts: whichever is changed, nothing is added under a final name.
#[test]
fn damage_is_found() {
    let (place, found) = source("damage");
    let small: Vec<_> = found.into_iter().filter(|model| model.size_bytes() < 1000).collect();
    let whole = fs::read(made(&place, &small)).unwrap();
    let file = place.join("damaged.bundle");
    let cache = folder("bundle-damage-target");
    let refused = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let opened = Bundle::open(&file);
        let added = opened.and_then(|mut bundle| {
            let verified = bundle.verify(&|_| true);
            let added = add(&mut bundle, &Folders::at(&cache), &|_| true, NOW, &|_| true);
            let program = extract_program(&mut bundle, &place.join("out"), &|_| true);
            verified.and(added.map(drop)).and(program)
        });
        added.is_err()
    };
    for at in (0..whole.len()).step_by(7).chain(whole.len() - 40..whole.len()) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x20;
        assert!(refused(&bytes), "byte {at}");
    }
    for length in (0..whole.len()).step_by(13) {
        assert!(refused(&whole[..length]), "cut to {length}");
    }
    assert!(refused(&[whole.as_slice(), b"x"].concat()), "longer");
    let names = all_files(&cache);
    assert!(names.iter().all(|name| !name.ends_with(".bundle")), "{names:?}");
    // What a bundle with one bad member did add is what it should be.
    for model in survey(&cache_of(&cache)) {
        assert!(verify(&model, None, None, &|_| true).unwrap().is_good(), "{model:?}");
    }
}

/// The header of a bundle, and what is behind it.
fn header_of(file: &Path) -> (Value, Vec<u8>) {
    let whole = fs::read(file).unwrap();
    let length = u64::from_le_bytes(whole[8..16].try_into().unwrap()) as usize;
    (serde_json::from_slice(&whole[48..48 + length]).unwrap_or_default(), whole[48 + length..].to_vec())
}

/// Gives a bundle another header, with the hash of that.
fn with_header(file: &Path, header: &str) {
    let fixed = [b"TRAMBNDL".as_slice(), &(header.len() as u64).to_le_bytes()].concat();
    let hash = Sha256Digest::of(header.as_bytes());
    let (_, members) = header_of(file);
    fs::write(file, [&fixed, hash.as_bytes().as_slice(), header.as_bytes(), &members].concat()).unwrap();
}

/// Headers that hash to what stands before them, and lie.
#[test]
fn hostile_headers() {
    let (place, found) = source("hostile");
    let file = made(&place, &found);
    let (header, _) = header_of(&file);
    let change = |pointer: &str, value: Value| {
        let mut header = header.clone();
        *header.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
        header.to_string()
    };
    let first = "/models/0/files/0";
    let rows = [
        ("up", change(&format!("{first}/path"), "../../../evil".into()), "file's name"),
        ("absolute", change(&format!("{first}/path"), "/etc/passwd".into()), "file's name"),
        ("backslash", change(&format!("{first}/path"), "..\\evil".into()), "file's name"),
        ("device", change(&format!("{first}/path"), "nul.gguf".into()), "device"),
        ("blob", change(&format!("{first}/blob"), "../../../evil".into()), "hexadecimal"),
        ("other blob", change(&format!("{first}/blob"), "0".repeat(64).into()), "two hashes"),
        ("repo", change("/models/0/repo", "../../evil".into()), "repository"),
        ("commit", change("/models/0/commit", "../..".into()), "commit"),
        ("branch", change("/models/0/revision", "../../../evil".into()), "revision"),
        ("no files", change("/models/0/files", json!([])), "0 files"),
        ("twice", change("/models/1", header["models"][0].clone()), "twice"),
        ("a name of the table", change("/models/0/name", "mistral:7b".into()), "is not what models of"),
        ("a name of others", change("/models/0/name", "someone/else:Q4_0".into()), "is not what models of"),
        ("stray", change("/models", json!([])), "belongs to nothing"),
        ("absent", change(&format!("{first}/sha256"), "0".repeat(64).into()), "is not in it"),
        ("size", change(&format!("{first}/size_bytes"), 1.into()), "is not in it"),
        ("negative", change("/members/0/size_bytes", (-1).into()), "header is wrong"),
        ("longer", change("/members/0/size_bytes", (PROGRAM.len() + 1).into()), "cut or damaged"),
        ("endless", change("/members/0/size_bytes", u64::MAX.into()), "lengths without end"),
        ("program", change("/program/sha256", "0".repeat(64).into()), "is not in it"),
        ("version", change("/version", 2.into()), "update this program"),
        ("more", change("/made_by", json!({ "a": 1 })), "header is wrong"),
        ("depth", "[".repeat(500_000), "header is wrong"),
        ("not UTF-8", "\u{fffd}".to_owned(), "header is wrong"),
    ];
    testkit::check_table(rows.iter().map(|row| (row.0, row)), |(_, header, message)| {
        with_header(&file, header);
        match Bundle::open(&file) {
            Err(error) if error.to_string().contains(message) => Ok(()),
            other => Err(format!("{:?}", other.map(|bundle| bundle.header().clone()))),
        }
    });
    for length in [u64::MAX, 1 << 40, (16 << 20) + 1, 1 << 20] {
        fs::write(&file, [b"TRAMBNDL".as_slice(), &length.to_le_bytes(), &[0; 32], b"{}"].concat()).unwrap();
        assert!(Bundle::open(&file).unwrap_err().to_string().contains("damaged or cut"), "{length}");
    }
}
