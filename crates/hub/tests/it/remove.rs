//! `rm` takes away what was fetched, and nothing else.

use std::fs;
use std::path::Path;

use hub::{Error, Found, Removal, Sha256Digest, meant, survey};

use crate::disk::{COMMIT, OTHER_COMMIT, all_files, cached, folder, main_is, only, pulled, tiny, write};

fn models(cache: &Path) -> Vec<Found> {
    survey(&only(|roots| roots.hugging_face = vec![cache.to_owned()]))
}

fn remove(cache: &Path, name: &str) -> Removal {
    let found = models(cache);
    let removal = Removal::of(meant(name, &found).unwrap()).unwrap();
    removal.apply().unwrap();
    removal
}

#[test]
fn nothing_of_a_fetched_model_is_left() {
    let cache = folder("remove-all");
    pulled(&cache, "a/b:Q4_0", COMMIT, &[("deep/m-Q4_0.gguf", &tiny(), true), ("README.md", b"read me", true)]);
    write(&cache.join("version.txt"), "1");
    let removal = remove(&cache, "a/b:Q4_0");
    assert_eq!(removal.frees_bytes, tiny().len() as u64 + 7);
    assert!(removal.kept.is_empty(), "{removal:?}");
    assert_eq!(all_files(&cache), ["version.txt"]);
    assert!(!cache.join("models--a--b").exists());
}

/// Branches of pull requests lie in folders of their own.
#[test]
fn a_branch_with_folders_in_its_name() {
    let cache = folder("remove-branch");
    let manifest = pulled(&cache, "a/b:Q4_0", COMMIT, &[("m-Q4_0.gguf", &tiny(), true)]);
    let repo = cache.join("models--a--b");
    fs::remove_file(repo.join("refs/main")).unwrap();
    write(&repo.join("refs/refs/pr/1"), COMMIT);
    let revision = hub::Revision::parse("refs/pr/1").unwrap();
    hub::Manifest { revision, ..manifest }
        .write(&hub::Folders::at(&cache).repo(&hub::RepoId::parse("a/b").unwrap()))
        .unwrap();
    remove(&cache, "a/b:Q4_0");
    assert!(!repo.exists(), "{:?}", all_files(&cache));
}

/// What is there of a download that was cut, and nothing that looks a little like it.
#[test]
fn what_cut_downloads_left() {
    let cache = folder("remove-parts");
    let (folders, name) = (hub::Folders::at(&cache), hub::ModelName::parse("a/b:Q8_0").unwrap());
    let own = cache.join("models--a--b/tramontane");
    let digest = Sha256Digest::of(b"of a file that is not whole");
    let lock = cache.join(format!(".locks/models--a--b/{digest}.lock"));
    let left = || {
        write(&own.join(format!("{digest}.part")), vec![1; 100_000]);
        write(&own.join(format!("{digest}.part.json")), "{}");
        write(&own.join(format!("{digest}.bundle.77-0.partial")), "half");
    };
    assert!(Removal::of_cut(&name, &folders).unwrap().is_none());
    left();
    let removal = Removal::of_cut(&name, &folders).unwrap().unwrap();
    assert!(removal.frees_bytes >= 100_000 && removal.blobs.is_empty(), "{removal:?}");
    // Not while somebody goes on with it.
    write(&lock, "");
    let held = fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    assert!(removal.apply().unwrap_err().to_string().contains("is being fetched now"));
    assert_eq!(fs::read_dir(&own).unwrap().count(), 3);
    drop(held);
    removal.apply().unwrap();
    assert!(!cache.join("models--a--b").exists());

    // Beside a model that is whole, and names of others.
    pulled(&cache, "a/b:Q4_0", COMMIT, &[("m-Q4_0.gguf", &tiny(), true)]);
    let strange = ["notes.part", "00.part", &format!("{digest}.parts"), &format!("{COMMIT}.part.json")];
    strange.iter().for_each(|name| write(&own.join(name), "of somebody"));
    write(&own.join(format!("{}.ours", Sha256Digest::of(&tiny()))), "");
    assert!(Removal::of_cut(&name, &folders).unwrap().is_none());
    left();
    let before = all_files(&cache).len();
    Removal::of_cut(&name, &folders).unwrap().unwrap().apply().unwrap();
    assert_eq!(all_files(&cache).len(), before - 3);
    assert!(models(&cache)[0].problem.is_none());
}

#[test]
fn what_others_use_stays() {
    let cache = folder("remove-shared");
    let readme: &[u8] = b"read me";
    pulled(&cache, "a/b:Q4_0", COMMIT, &[("m-Q4_0.gguf", &tiny(), true), ("README.md", readme, true)]);
    pulled(&cache, "a/b:Q8_0", COMMIT, &[("m-Q8_0.gguf", b"eight", true), ("README.md", readme, false)]);
    // Another program's snapshot, with the same weights under another name.
    cached(&cache, "a/b", OTHER_COMMIT, "old-Q4_0.gguf", &tiny());
    let before = all_files(&cache).len();
    let removal = remove(&cache, "a/b:Q4_0");
    assert_eq!(removal.frees_bytes, 0);
    let reasons: Vec<_> = removal.kept.iter().map(|(file, why)| format!("{file}: {why}")).collect();
    assert_eq!(reasons, ["README.md: another pulled model has it too", "m-Q4_0.gguf: another snapshot uses it"]);
    // The link and the manifest.
    assert_eq!(all_files(&cache).len(), before - 2);
    let found = models(&cache);
    let names: Vec<_> = found.iter().map(|model| (model.name.as_str(), model.problem.is_none())).collect();
    assert_eq!(names, [("a/b:Q8_0", true), ("a/b@fedcba987654:Q4_0", true)]);
    // The README was there before the second came, and is nobody's now: it stays.
    let removal = remove(&cache, "a/b:Q8_0");
    assert_eq!(removal.frees_bytes, 5);
    assert!(cache.join("models--a--b/blobs").join(Sha256Digest::of(readme).to_string()).exists());
    assert_eq!(models(&cache).len(), 1);
}

#[test]
fn what_others_fetched_is_not_ours() {
    let cache = folder("remove-others");
    cached(&cache, "a/b", COMMIT, "m-Q4_0.gguf", &tiny());
    main_is(&cache, "a/b", COMMIT);
    let found = models(&cache);
    let refused = Removal::of(&found[0]).unwrap_err();
    assert!(matches!(refused, Error::Kept { .. }) && refused.to_string().contains("Hugging Face has it"), "{refused}");
}

#[test]
fn a_manifest_that_leads_elsewhere_is_none() {
    let cache = folder("remove-hostile");
    let manifest = pulled(&cache, "a/b:Q4_0", COMMIT, &[("m-Q4_0.gguf", &tiny(), true)]);
    let path = manifest.path(&hub::Folders::at(&cache).repo(&manifest.repo));
    let text = fs::read_to_string(&path).unwrap();
    let rows = [
        ("path", text.replace("m-Q4_0.gguf", "../../../x")),
        ("absolute", text.replace("m-Q4_0.gguf", "/etc/passwd")),
        ("blob", text.replacen(&Sha256Digest::of(&tiny()).to_string(), "../../x", 1)),
        ("commit", text.replace(COMMIT, "..")),
        ("repo", text.replace("\"a/b\"", "\"../b\"")),
        ("revision", text.replace("\"main\"", "\"../../x\"")),
        ("unknown field", text.replacen('{', "{\"more\": 1,", 1)),
        ("version", text.replace("\"version\": 1", "\"version\": 2")),
        ("depth", "[".repeat(100_000)),
    ];
    testkit::check_table(rows.iter().map(|row| (row.0, row)), |(_, text)| {
        fs::write(&path, text).unwrap();
        let found = models(&cache);
        match Removal::of(&found[0]) {
            Err(Error::Kept { .. }) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
}

/// Between the look and the deed somebody swaps folders for links.
#[test]
fn swapped_folders() {
    for swapped in ["blobs", "snapshots", "tramontane", ""] {
        let cache = folder("remove-swapped");
        let outside = folder("remove-outside");
        pulled(&cache, "a/b:Q4_0", COMMIT, &[("m-Q4_0.gguf", &tiny(), true)]);
        let repo = cache.join("models--a--b");
        let found = models(&cache);
        let removal = Removal::of(&found[0]).unwrap();
        // What lies outside has the names that are to be removed.
        fs::rename(&repo, outside.join("all")).unwrap();
        let there = all_files(&outside);
        if swapped.is_empty() {
            std::os::unix::fs::symlink(outside.join("all"), &repo).unwrap();
        } else {
            fs::create_dir(&repo).unwrap();
            std::os::unix::fs::symlink(outside.join("all").join(swapped), repo.join(swapped)).unwrap();
        }
        let refused = removal.apply();
        assert!(matches!(refused, Err(Error::Io { .. })), "{swapped}: {refused:?}");
        assert_eq!(all_files(&outside), there, "{swapped}");
    }
}

/// Cut in the middle, removing again goes on.
#[test]
fn a_removal_that_was_cut() {
    let cache = folder("remove-cut");
    pulled(&cache, "a/b:Q4_0", COMMIT, &[("m-Q4_0.gguf", &tiny(), true)]);
    fs::remove_dir_all(cache.join("models--a--b/blobs")).unwrap();
    let found = models(&cache);
    assert_eq!(found[0].problem.as_deref(), Some("m-Q4_0.gguf is a link to a file that is not there"));
    remove(&cache, "a/b:Q4_0");
    assert!(all_files(&cache).is_empty());
}
