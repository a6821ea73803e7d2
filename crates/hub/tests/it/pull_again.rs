//! `pull` over time: what lies here already, what a cut left, who else is pulling, what is written down.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::thread;

use hub::{BlobDigest, Error, Folders, Manifest, ModelName, Plan, RepoId, Sha256Digest, Stage, already_here};

use crate::disk::{COMMIT, cached, folder, write};
use crate::hub::{Asked, REPO, Reply, TestHub, sound};
use crate::pull::{FILE, PIECE, SIZE, bytes, files_below, options, pull, pull_named};

fn content_requests(hub: &TestHub) -> usize {
    hub.asked().iter().filter(|asked| asked.is_content()).count()
}

fn root(cache: &Path) -> std::path::PathBuf {
    cache.join("models--someone--Tiny-GGUF")
}

#[test]
fn the_cache_is_laid_out_as_others_expect_it() {
    let (cache, content) = (folder("pull-layout"), bytes(SIZE));
    let hub = TestHub::start(&[(FILE, &content), ("README.md", b"read me")], sound);
    let pulled = pull(&hub, &cache).unwrap();
    let digest = Sha256Digest::of(&content).to_string();
    let relative: Vec<_> =
        files_below(&cache).iter().map(|path| path.strip_prefix(&cache).unwrap().display().to_string()).collect();
    let repo = "models--someone--Tiny-GGUF";
    assert_eq!(
        relative,
        [
            format!("{repo}/blobs/{digest}"),
            format!("{repo}/refs/main"),
            format!("{repo}/snapshots/{COMMIT}/{FILE}"),
            format!("{repo}/tramontane/{COMMIT}.Q4_K_M.json"),
        ]
    );
    let link = fs::read_link(&pulled.path).unwrap();
    assert_eq!(link.to_string_lossy(), format!("../../blobs/{digest}"));
    assert_eq!(fs::read_to_string(root(&cache).join("refs/main")).unwrap(), COMMIT);

    let text = fs::read_to_string(&pulled.manifest_path).unwrap();
    let manifest = Manifest::parse(&text, &pulled.manifest_path).unwrap();
    assert_eq!(manifest, pulled.manifest);
    assert_eq!(manifest.name, ModelName::parse(REPO).unwrap());
    assert_eq!((manifest.source, manifest.license.as_deref()), (hub.address.clone(), Some("apache-2.0")));
    assert_eq!(manifest.files[0].blob, BlobDigest::parse(&digest).unwrap());
    assert_eq!(manifest.files[0].sha256.to_string(), digest);
    assert!(manifest.files[0].fetched && pulled.fetched_bytes == SIZE as u64);
    assert!(manifest.fetched_at > 1_600_000_000);
}

#[test]
fn what_is_here_is_not_fetched_again() {
    let (cache, content) = (folder("pull-twice"), bytes(SIZE));
    let hub = TestHub::start(&[(FILE, &content)], sound);
    pull(&hub, &cache).unwrap();
    let before = content_requests(&hub);
    let again = pull_named(&hub, &cache, &format!("hf.co/{REPO}:q4_k_m")).unwrap();
    assert_eq!((content_requests(&hub), again.fetched_bytes), (before, 0));
    // It is still ours: this program brought it.
    assert!(again.manifest.files[0].fetched);
    let here = already_here(&ModelName::parse(REPO).unwrap(), &Folders::at(&cache)).unwrap();
    assert_eq!(here.path, again.path);
    fs::remove_file(root(&cache).join("blobs").join(Sha256Digest::of(&content).to_string())).unwrap();
    assert!(already_here(&ModelName::parse(REPO).unwrap(), &Folders::at(&cache)).is_none());
}

#[test]
fn what_another_program_fetched_is_used_and_not_called_ours() {
    let (cache, content) = (folder("pull-theirs"), bytes(SIZE));
    let hub = TestHub::start(&[(FILE, &content)], sound);
    cached(&cache, REPO, COMMIT, FILE, &content);
    let pulled = pull(&hub, &cache).unwrap();
    assert_eq!((content_requests(&hub), pulled.fetched_bytes), (0, 0));
    assert!(!pulled.manifest.files[0].fetched);
}

/// The first of two files is here when a pull is cut: it is ours in the next one, and can be given back without it.
#[test]
fn files_of_a_cut_pull_are_ours() {
    let (cache, content) = (folder("pull-cut-between"), bytes(SIZE));
    let files: &[(&str, &[u8])] =
        &[("Tiny-Q4_K_M-00001-of-00002.gguf", b"first"), ("Tiny-Q4_K_M-00002-of-00002.gguf", &content)];
    let hub = TestHub::start(files, sound);
    let (name, folders) = (ModelName::parse(REPO).unwrap(), Folders::at(&cache));
    let cut = || {
        let plan = Plan::of(&name, hub.endpoint(), options()).unwrap();
        let got = plan.fetch(&folders, &mut |progress| match progress.file.file_name().contains("00001") {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        });
        assert!(matches!(got, Err(Error::Interrupted { .. })));
    };
    cut();
    let removal = hub::Removal::of_cut(&name, &folders).unwrap().unwrap();
    assert_eq!(removal.blobs, [Sha256Digest::of(b"first").to_string()], "{removal:?}");
    // Threads that wait for the server hold the lock for a moment.
    while matches!(removal.apply(), Err(Error::Kept { .. })) {
        thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(!root(&cache).exists(), "{:?}", files_below(&cache));
    cut();
    let pulled = pull(&hub, &cache).unwrap();
    assert!(pulled.manifest.files.iter().all(|file| file.fetched), "{:?}", pulled.manifest);
    assert!(hub::Removal::of_cut(&name, &folders).unwrap().is_none());
}

#[test]
fn what_lies_here_damaged_is_named() {
    let (cache, content) = (folder("pull-damaged"), bytes(SIZE));
    let hub = TestHub::start(&[(FILE, &content)], sound);
    let blob = root(&cache).join("blobs").join(Sha256Digest::of(&content).to_string());
    write(&blob, vec![0; SIZE]);
    let error = pull(&hub, &cache).unwrap_err();
    assert!(error.to_string().contains("remove it and pull again"), "{error}");
    assert_eq!(fs::read(&blob).unwrap(), vec![0; SIZE]);
}

/// Breaks off once some of the file is here; returns how much.
fn interrupted(hub: &TestHub, cache: &Path) -> u64 {
    let plan = Plan::of(&ModelName::parse(REPO).unwrap(), hub.endpoint(), options()).unwrap();
    let mut kept = 0;
    let got = plan.fetch(&Folders::at(cache), &mut |progress| {
        kept = progress.done_bytes;
        if progress.stage == Stage::Fetching && progress.done_bytes > 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    match got.unwrap_err() {
        Error::Interrupted { .. } => kept,
        error => panic!("{error}"),
    }
}

/// Sends the first five pieces, and nothing of the others.
fn half(asked: &Asked, reply: Reply, _: &str) -> Reply {
    let late = asked.is_content() && asked.range().is_some_and(|(first, _)| first >= 5 * PIECE);
    if late { reply.ending(crate::hub::Ending::Silence(0)) } else { reply }
}

#[test]
fn a_cut_download_goes_on_in_the_next_run() {
    let (cache, content) = (folder("pull-resume"), bytes(SIZE));
    let first = TestHub::start(&[(FILE, &content)], half);
    let kept = interrupted(&first, &cache);
    assert!(kept > 0 && kept <= 5 * PIECE as u64, "{kept}");
    drop(first);
    let names: Vec<_> =
        files_below(&cache).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let digest = Sha256Digest::of(&content);
    assert_eq!(names, [format!("{digest}.part"), format!("{digest}.part.json")]);

    let second = TestHub::start(&[(FILE, &content)], sound);
    let pulled = pull(&second, &cache).unwrap();
    assert_eq!(fs::read(pulled.path).unwrap(), content);
    let sent: usize = second
        .asked()
        .iter()
        .filter(|asked| asked.is_content())
        .filter_map(Asked::range)
        .map(|(first, last)| last + 1 - first)
        .sum();
    // The record is written at the end of the first run, and may lag behind what came in its last moment.
    assert!(sent <= SIZE - kept as usize, "{sent} bytes were asked for, though {kept} were here");
}

#[test]
fn what_a_cut_left_is_believed_only_if_it_fits() {
    let content = bytes(SIZE);
    let digest = Sha256Digest::of(&content).to_string();
    type Damage = fn(&Path);
    let rows: [(&str, Damage); 7] = [
        ("the record is cut", |part| fs::write(part.with_added_extension("json"), "{\"version\"").unwrap()),
        ("the record is gone", |part| fs::remove_file(part.with_added_extension("json")).unwrap()),
        ("the part is gone", |part| fs::remove_file(part).unwrap()),
        ("the part is short", |part| fs::write(part, "short").unwrap()),
        ("the part is zeroed", |part| fs::write(part, vec![0; SIZE]).unwrap()),
        ("the record claims all", |part| {
            let path = part.with_added_extension("json");
            let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            record["done"].as_array_mut().unwrap().iter_mut().take(10).for_each(|done| *done = PIECE.into());
            fs::write(path, record.to_string()).unwrap();
        }),
        ("the record claims the impossible", |part| {
            let path = part.with_added_extension("json");
            let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            record["done"][0] = u64::MAX.into();
            fs::write(path, record.to_string()).unwrap();
        }),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(name, damage)| {
        let cache = folder(&format!("pull-left-{}", name.replace(' ', "-")));
        interrupted(&TestHub::start(&[(FILE, &content)], half), &cache);
        damage(&root(&cache).join("tramontane").join(format!("{digest}.part")));
        let pulled = pull(&TestHub::start(&[(FILE, &content)], sound), &cache).map_err(|error| error.to_string())?;
        match fs::read(pulled.path).unwrap() == content {
            true => Ok(()),
            false => Err("the file is another".to_owned()),
        }
    });
}

#[test]
fn another_file_on_the_server_begins_anew() {
    let (cache, content) = (folder("pull-changed"), bytes(SIZE));
    interrupted(&TestHub::start(&[(FILE, &content)], half), &cache);
    let fault =
        |asked: &Asked, reply: Reply, _: &str| if asked.is_content() { reply.with("etag", "\"new\"") } else { reply };
    let hub = TestHub::start(&[(FILE, &content)], fault);
    let pulled = pull(&hub, &cache).unwrap();
    assert_eq!(fs::read(pulled.path).unwrap(), content);
    assert!(
        hub.asked().iter().filter(|asked| asked.is_content()).filter_map(Asked::range).any(|(first, _)| first == 0)
    );
}

#[test]
fn two_at_once_fetch_it_once() {
    let (cache, content) = (folder("pull-two"), bytes(SIZE));
    let hub = TestHub::start(&[(FILE, &content)], sound);
    let fetched: Vec<_> = thread::scope(|scope| {
        let threads = [(); 3].map(|()| scope.spawn(|| pull(&hub, &cache).unwrap().fetched_bytes));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(fetched.iter().sum::<u64>(), SIZE as u64, "{fetched:?}");
    assert_eq!(content_requests(&hub), SIZE.div_ceil(PIECE));
}

/// Whoever gets the lock takes a part without a record for garbage: there must be none that is only waiting for its name.
#[test]
fn the_lock_is_held_until_the_file_has_its_name() {
    let (cache, content) = (folder("pull-lock"), bytes(SIZE));
    let hub = TestHub::start(&[(FILE, &content)], sound);
    let digest = BlobDigest::parse(&Sha256Digest::of(&content).to_string()).unwrap();
    let repo = Folders::at(&cache).repo(&RepoId::parse(REPO).unwrap());
    let part = repo.own().join(format!("{digest}.part"));
    thread::scope(|scope| {
        let pulling = scope.spawn(|| pull(&hub, &cache).unwrap());
        while !pulling.is_finished() {
            // The lock appears when the file is asked for.
            let Ok(lock) = fs::File::open(repo.lock(&digest)) else { continue };
            if lock.try_lock().is_ok() {
                assert!(!part.exists(), "a part that is not yet named");
            }
        }
    });
    assert_eq!(fs::read(repo.blob(&digest)).unwrap(), content);
}

#[test]
fn many_at_once_give_it_the_same_names() {
    let (cache, content) = (folder("pull-names"), bytes(SIZE));
    let hub = TestHub::start(&[(FILE, &content)], sound);
    pull(&hub, &cache).unwrap();
    for _ in 0..20 {
        for named in ["refs", "snapshots", "tramontane"] {
            fs::remove_dir_all(root(&cache).join(named)).unwrap();
        }
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(pull(&hub, &cache).unwrap().fetched_bytes, 0));
            }
        });
        assert_eq!(files_below(&cache).len(), 4, "{:?}", files_below(&cache));
    }
}

#[test]
fn a_folder_of_safetensors_comes_whole() {
    let (cache, weights) = (folder("pull-safetensors"), bytes(250_000));
    let index = br#"{"weight_map": {}}"#;
    let files: &[(&str, &[u8])] = &[
        ("README.md", b"read me"),
        ("config.json", b"{}"),
        ("consolidated.safetensors", b"not wanted"),
        ("model-00001-of-00002.safetensors", &weights),
        ("model-00002-of-00002.safetensors", b""),
        ("model.safetensors.index.json", index),
        ("tekken.json", b"{\"a\": 1}"),
        ("tokenizer.json", b"not wanted"),
    ];
    let hub = TestHub::start(files, sound);
    let pulled = pull(&hub, &cache).unwrap();
    assert_eq!(pulled.path, root(&cache).join("snapshots").join(COMMIT));
    for file in &pulled.manifest.files {
        let wanted = files.iter().find(|(path, _)| *path == file.path.to_string()).unwrap().1;
        let here = Folders::at(&cache).repo(&RepoId::parse(REPO).unwrap()).file(&pulled.manifest.commit, &file.path);
        assert_eq!(fs::read(here).unwrap(), wanted, "{}", file.path);
        assert_eq!(file.sha256, Sha256Digest::of(wanted), "{}", file.path);
    }
    let names: Vec<_> = pulled.manifest.files.iter().map(|file| file.path.to_string()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
    assert!(pulled.manifest_path.ends_with(format!("{COMMIT}.safetensors.json")));
}

#[test]
fn split_files_in_a_folder_with_spaces() {
    let (cache, content) = (folder("pull-split"), bytes(150_000));
    let files: &[(&str, &[u8])] = &[
        ("Q8 0/Tiny-Q8_0-00001-of-00002.gguf", &content),
        ("Q8 0/Tiny-Q8_0-00002-of-00002.gguf", b"second"),
        ("mmproj-F16.gguf", b"eyes"),
    ];
    let hub = TestHub::start(files, sound);
    let pulled = pull_named(&hub, &cache, &format!("{REPO}:q8_0")).unwrap();
    assert_eq!(fs::read(&pulled.path).unwrap(), content);
    let second = pulled.path.with_file_name("Tiny-Q8_0-00002-of-00002.gguf");
    assert_eq!(
        fs::read_link(&second).unwrap().to_string_lossy(),
        format!("../../../blobs/{}", Sha256Digest::of(b"second"))
    );
    assert_eq!(fs::read(second).unwrap(), b"second");
}

#[test]
fn a_disk_that_is_full_is_seen_first() {
    let cache = folder("pull-full");
    let fault = |asked: &Asked, reply: Reply, _: &str| {
        if !asked.is_list() {
            return reply;
        }
        let text = String::from_utf8(reply.body.clone())
            .unwrap()
            .replace(&format!("\"size\":{SIZE}"), "\"size\":4000000000000");
        Reply { body: text.into_bytes(), ..reply }
    };
    let hub = TestHub::start(&[(FILE, &bytes(SIZE))], fault);
    let error = pull(&hub, &cache).unwrap_err().to_string();
    assert!(error.contains("3.6 TiB are needed"), "{error}");
    assert_eq!((content_requests(&hub), files_below(&cache).len()), (0, 0));
}

#[test]
fn nothing_goes_out_when_the_environment_forbids_it() {
    let hub = TestHub::start(&[(FILE, &bytes(SIZE))], sound);
    let variables = [("HF_ENDPOINT", hub.address.as_str()), ("HF_HUB_OFFLINE", "1"), ("HF_HUB_CACHE", "/nowhere")];
    let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
    let folders = Folders::from_environment(variable).unwrap();
    let endpoint = hub::Endpoint::from_environment(variable, &folders).unwrap();
    assert!(endpoint.is_offline());
    let got = Plan::of(&ModelName::parse(REPO).unwrap(), endpoint, options());
    assert!(matches!(got, Err(Error::Offline)) && hub.asked().is_empty());
}

#[test]
fn a_commit_that_is_asked_for_is_the_one_that_is_listed() {
    let hub = TestHub::start(&[(FILE, &bytes(SIZE))], sound);
    let at = |revision: &str| {
        let options = hub::PullOptions { revision: Some(hub::Revision::parse(revision).unwrap()), ..options() };
        Plan::of(&ModelName::parse(REPO).unwrap(), hub.endpoint(), options)
    };
    assert_eq!(at(COMMIT).unwrap().commit().as_str(), COMMIT);
    let error = at(&COMMIT.replace('0', "f")).err().unwrap().to_string();
    assert!(error.contains("was asked for commit"), "{error}");
    assert_eq!(content_requests(&hub), 0);
}

#[test]
fn who_has_no_token_is_told_where_to_put_it() {
    let fault = |_: &Asked, _: Reply, _: &str| Reply::status(401).with("x-error-code", "GatedRepo");
    let hub = TestHub::start(&[(FILE, &bytes(SIZE))], fault);
    let endpoint = hub::Endpoint::at(&hub.address).unwrap();
    let error = Plan::of(&ModelName::parse(REPO).unwrap(), endpoint, options()).err().unwrap().to_string();
    assert!(error.contains("HF_TOKEN"), "{error}");
    assert!(hub.asked().iter().all(|asked| !asked.headers.contains_key("authorization")));
}
