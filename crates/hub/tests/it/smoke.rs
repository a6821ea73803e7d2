//! Sound files of the store with seeded damage: nothing panics, nothing is believed that was changed, and nothing outside
//! of its folder is touched.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use hub::{
    Bundle, Folders, Manifest, ModelName, Plan, Removal, Sha256Digest, Signature, Trust, add, at_path, extract_program,
    facts, survey, verify,
};
use testkit::{Random, damage};

use crate::disk::{COMMIT, all_files, folder, ollama, only, pulled, tiny, write};
use crate::hub::{Asked, REPO, Reply, TestHub};
use crate::pull::{FILE, PIECE, bytes, options};

/// For each test; unoptimised builds get fewer rounds out of it, and always the same ones first.
const TIME: Duration = Duration::from_secs(1);
const ROUNDS: u64 = 5_000;

/// Calls with changed copies of `sound`.
fn rounds(sound: &[u8], mut with: impl FnMut(&[u8])) {
    let (start, mut random) = (Instant::now(), Random::new(17));
    for _ in 0..ROUNDS {
        if start.elapsed() > TIME {
            break;
        }
        let mut changed = sound.to_vec();
        damage(&mut changed, &mut random);
        with(&changed);
    }
}

#[test]
fn changed_manifests() {
    let place = folder("smoke-manifests");
    let cache = place.join("cache");
    let manifest = pulled(&cache, "a/b:Q4_0", COMMIT, &[("deep/m-Q4_0.gguf", &tiny(), true)]);
    let path = manifest.path(&Folders::at(&cache).repo(&manifest.repo));
    let text = fs::read(&path).unwrap();
    write(&place.join("mine"), "not to be removed");
    rounds(&text, |changed| {
        fs::write(&path, changed).unwrap();
        let Ok(text) = std::str::from_utf8(changed) else { return };
        let Ok(read) = Manifest::parse(text, &path) else { return };
        let written: Manifest = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
        assert_eq!(written, read);
        for model in survey(&only(|roots| roots.hugging_face = vec![cache.clone()])) {
            facts(std::slice::from_ref(&model));
            let _ = Removal::of(&model).map(|removal| assert!(removal.frees_bytes <= tiny().len() as u64));
        }
    });
    // One of them at the end for good.
    fs::write(&path, &text).unwrap();
    let found = survey(&only(|roots| roots.hugging_face = vec![cache.clone()]));
    Removal::of(&found[0]).unwrap().apply().unwrap();
    assert_eq!(all_files(&place), ["mine"]);
}

#[test]
fn changed_manifests_of_ollama() {
    let models = folder("smoke-ollama");
    ollama(&models, "registry.ollama.ai/library/m/tag", &tiny());
    let path = models.join("manifests/registry.ollama.ai/library/m/tag");
    rounds(&fs::read(&path).unwrap(), |changed| {
        fs::write(&path, changed).unwrap();
        let found = survey(&only(|roots| roots.ollama = vec![models.clone()]));
        let inside = |model: &hub::Found| model.files.iter().all(|file| file.path.starts_with(models.join("blobs")));
        assert!(found.iter().all(inside), "{found:?}");
    });
}

#[test]
fn changed_signatures() {
    let vector = |name: &str| testkit::vectors("hub/signed").join(name);
    let found = at_path(&vector("model"), &[]).unwrap();
    let file = folder("smoke-signatures").join("model.sig");
    let trust = Trust::Certificates(fs::read_to_string(vector("root.pem")).unwrap());
    let sound = fs::read(vector("chain.sig")).unwrap();
    let payload =
        |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap()["dsseEnvelope"]["payload"].take();
    rounds(&sound, |changed| {
        fs::write(&file, changed).unwrap();
        if let Signature::Good { .. } = verify(&found, Some(&trust), Some(&file), &|_| true).unwrap().signature {
            assert_eq!(payload(changed), payload(&sound));
        }
    });
    // Certificates that are none.
    let root = fs::read(vector("root.pem")).unwrap();
    rounds(&root, |changed| {
        let trust = Trust::Certificates(String::from_utf8_lossy(changed).into_owned());
        let _ = verify(&found, Some(&trust), Some(&vector("chain.sig")), &|_| true);
    });
}

/// The header is changed, and what stands before it says so: only its contents can be wrong.
#[test]
fn changed_bundles() {
    let place = folder("smoke-bundles");
    let (source, target) = (place.join("source"), place.join("target"));
    pulled(&source, "a/b:Q4_0", COMMIT, &[("deep/m-Q4_0.gguf", b"weights", true), ("README.md", b"read me", true)]);
    let found = survey(&only(|roots| roots.hugging_face = vec![source]));
    write(&place.join("program"), "program");
    let file = place.join("all.bundle");
    let contents = hub::Contents {
        models: &found,
        program: Some((&place.join("program"), "0.1.0", "x86_64-linux")),
        made_by: "tests",
        now: 1,
    };
    hub::create(&contents, &file, &|_| true).unwrap();
    let whole = fs::read(&file).unwrap();
    let end = 48 + u64::from_le_bytes(whole[8..16].try_into().unwrap()) as usize;
    let before = all_files(&place).len();
    rounds(&whole[48..end], |header| {
        let hash = Sha256Digest::of(header);
        let length = (header.len() as u64).to_le_bytes();
        fs::write(&file, [b"TRAMBNDL".as_slice(), &length, hash.as_bytes(), header, &whole[end..]].concat()).unwrap();
        open_and_add(&file, &target);
    });
    rounds(&whole, |changed| {
        fs::write(&file, changed).unwrap();
        open_and_add(&file, &target);
    });
    let outside = all_files(&place).into_iter().filter(|name| !name.starts_with("target/")).count();
    assert_eq!(outside, before);
}

fn open_and_add(file: &Path, target: &Path) {
    let Ok(mut bundle) = Bundle::open(file) else { return };
    let _ = bundle.verify(&|_| true);
    let _ = add(&mut bundle, &Folders::at(target), &|_| true, 1, &|_| true);
    let _ = extract_program(&mut bundle, &target.join("program"), &|_| true);
    let _ = fs::remove_dir_all(target);
}

/// A list with damage, another one each time.
fn changed_list(asked: &Asked, reply: Reply, _: &str) -> Reply {
    if !asked.is_list() {
        return reply;
    }
    let mut body = reply.body.clone();
    damage(&mut body, &mut Random::new(asked.before as u64));
    Reply { body, ..reply }
}

#[test]
fn changed_lists() {
    let hub = TestHub::start(&[(FILE, &bytes(1000)), ("README.md", b"read me")], changed_list);
    let start = Instant::now();
    let mut taken = 0;
    while start.elapsed() < TIME {
        if let Ok(plan) = Plan::of(&ModelName::parse(REPO).unwrap(), hub.endpoint(), options()) {
            taken += 1;
            assert!(plan.files().all(|(path, _)| path.names().iter().all(|name| !name.as_str().contains(".."))));
        }
    }
    assert!(taken > 0, "no change leaves a list readable: the changes are too coarse");
}

/// What a cut download left, changed: the file comes whole all the same.
#[test]
fn changed_records() {
    let content = bytes(3 * PIECE);
    let digest = Sha256Digest::of(&content).to_string();
    let record = serde_json::json!({
        "version": 1, "digest": digest, "size_bytes": content.len(), "piece_bytes": PIECE, "etag": format!("\"{digest}\""),
        "done": [PIECE, 10, 0],
    });
    let cache = folder("smoke-records");
    let hub = TestHub::start(&[(FILE, &content)], crate::hub::sound);
    let part = cache.join("models--someone--Tiny-GGUF/tramontane").join(format!("{digest}.part"));
    rounds(record.to_string().as_bytes(), |changed| {
        let _ = fs::remove_dir_all(&cache);
        let mut half = content.clone();
        half[PIECE + 10..].fill(0);
        write(&part, half);
        write(&part.with_added_extension("json"), changed);
        let plan = Plan::of(&ModelName::parse(REPO).unwrap(), hub.endpoint(), options()).unwrap();
        let pulled = plan.fetch(&Folders::at(&cache), &mut crate::pull::onward).unwrap();
        assert!(fs::read(pulled.path).unwrap() == content);
    });
}
