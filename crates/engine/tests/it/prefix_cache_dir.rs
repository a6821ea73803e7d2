//! Computed prefixes outlive the engine, for the same model, arithmetic and tenant only; what lies in their folder is
//! not believed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use engine::{
    Engine, EngineOptions, Event, KvType, PrefixCacheDir, Prompt, Request, SamplingParams, Tenant, TokenId, Usage,
};

use crate::options;

const PATIENCE: Duration = Duration::from_secs(60);
const PLENTY: u64 = 64 << 20;

/// A folder of its own for a test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tramontane-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Self(folder)
    }

    /// All files with a name of 64 digits.
    fn blocks(&self) -> Vec<PathBuf> {
        let models = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        let files = models.flat_map(|model| fs::read_dir(model).unwrap().map(|entry| entry.unwrap().path()));
        let mut blocks: Vec<_> = files.filter(|path| path.file_name().unwrap().len() == 64).collect();
        blocks.sort();
        blocks
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn engine(model: &str, folder: &Folder, bytes: u64, change: impl Fn(&mut EngineOptions)) -> Engine {
    let dir = PrefixCacheDir { path: folder.0.clone(), bytes };
    let mut options = EngineOptions { prefix_cache_dir: Some(dir), ..options() };
    change(&mut options);
    Engine::load(&testkit::vectors("models").join(model), &options, &mut |_, _| ()).unwrap()
}

fn llama(folder: &Folder) -> Engine {
    engine("llama/model.gguf", folder, PLENTY, |_| ())
}

fn request(length: u32, start: u32, tenant: u64) -> Request {
    let tokens = (0..length).map(|i| TokenId((i * 7 + start) % 40)).collect();
    let sampling = SamplingParams { temperature: 0.9, seed: 3, ..SamplingParams::plain() };
    let tenant = Tenant(tenant);
    Request { sampling, tenant, max_tokens: Some(8), logprobs: true, ..Request::new(Prompt::Tokens(tokens)) }
}

fn ask(engine: &Engine, request: Request) -> (Vec<String>, Usage) {
    let mut total = Usage::default();
    let seen = engine.submit(request).unwrap().filter_map(|event| match event {
        Event::Finished { usage, .. } => {
            total = usage;
            None
        }
        Event::Token(token) => Some(format!("{} {:08x}", token.id, token.logprob.to_bits())),
        Event::Failed(error) => panic!("{error}"),
        _ => None,
    });
    (seen.collect(), total)
}

/// Waits until so many blocks are written.
fn written(engine: &Engine, blocks: u64) {
    let start = Instant::now();
    while engine.status().counters.stored_blocks < blocks {
        assert!(start.elapsed() < PATIENCE, "{:?}", engine.status());
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_restart_keeps_what_was_computed_and_the_answer() {
    let folder = Folder::new("restart");
    let first = llama(&folder);
    let (expected, usage) = ask(&first, request(100, 0, 1));
    assert_eq!(usage.cached_tokens, 0);
    drop(first);
    // 100 tokens of prompt and those of the answer but the last: three full blocks.
    assert_eq!(folder.blocks().len(), 3);
    let second = llama(&folder);
    let (again, usage) = ask(&second, request(100, 0, 1));
    assert_eq!((&again, usage.cached_tokens), (&expected, 96));
    assert_eq!(second.status().counters.restored_blocks, 3);
    // The next turn; and now from memory.
    assert_eq!(ask(&second, request(120, 0, 1)).1.cached_tokens, 96);
    assert_eq!(ask(&second, request(100, 0, 1)).0, expected);
    assert_eq!(second.status().counters.restored_blocks, 3);
    assert_eq!(second.status().counters.store_failures, 0);
}

#[test]
fn nobody_finds_what_is_another_ones() {
    let folder = Folder::new("others");
    let expected = ask(&llama(&folder), request(100, 0, 1));
    type Change = fn(&mut EngineOptions);
    let rows: [(&str, &str, u64, Change, usize); 6] = [
        ("the same", "llama/model.gguf", 1, |_| (), 96),
        ("another tenant", "llama/model.gguf", 2, |_| (), 0),
        ("nobody", "llama/model.gguf", 0, |_| (), 0),
        ("another number type", "llama/model.gguf", 1, |options| options.kv_type = Some(KvType::F16), 0),
        ("another model of that shape", "llama-f16/hf", 1, |_| (), 0),
        (
            "one thread, scalar",
            "llama/model.gguf",
            1,
            |options| {
                options.threads = Some(1);
                options.isa = Some("scalar".into());
            },
            96,
        ),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(_, model, tenant, change, cached)| {
        let engine = engine(model, &folder, PLENTY, change);
        let (answer, usage) = ask(&engine, request(100, 0, tenant));
        if usage.cached_tokens != cached || (cached > 0 && answer != expected.0) {
            return Err(format!("{} cached, {answer:?}", usage.cached_tokens));
        }
        Ok(())
    });
}

#[test]
fn what_is_damaged_is_a_miss_and_goes() {
    let folder = Folder::new("damaged");
    let (expected, _) = ask(&llama(&folder), request(100, 0, 1));
    let whole: Vec<(PathBuf, Vec<u8>)> =
        folder.blocks().into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    type Harm = fn(&Path, &[u8], &Path);
    let rows: [(&str, Harm); 9] = [
        ("a bit of the contents", |path, bytes, _| {
            let mut bytes = bytes.to_vec();
            bytes[100] ^= 1;
            fs::write(path, bytes).unwrap();
        }),
        ("a bit of the checksum", |path, bytes, _| {
            let mut bytes = bytes.to_vec();
            *bytes.last_mut().unwrap() ^= 128;
            fs::write(path, bytes).unwrap();
        }),
        ("the magic word", |path, bytes, _| fs::write(path, [b"TRAMKV2\n", &bytes[8..]].concat()).unwrap()),
        ("cut", |path, bytes, _| fs::write(path, &bytes[..bytes.len() - 1]).unwrap()),
        ("empty", |path, _, _| fs::write(path, "").unwrap()),
        ("too long", |path, bytes, _| fs::write(path, [bytes, b"x"].concat()).unwrap()),
        ("another block's contents", |path, _, other| {
            let _ = fs::copy(other, path).unwrap();
        }),
        ("a folder", |path, _, _| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("a link to what is right", |path, _, _| {
            fs::rename(path, path.with_extension("elsewhere")).unwrap();
            #[cfg(unix)]
            std::os::unix::fs::symlink(path.with_extension("elsewhere"), path).unwrap();
        }),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(_, harm)| {
        for when in ["before the start", "while it runs"] {
            whole.iter().for_each(|(path, bytes)| {
                let _ = fs::remove_dir(path);
                let _ = fs::remove_file(path);
                fs::write(path, bytes).unwrap();
            });
            let running = (when == "while it runs").then(|| llama(&folder));
            let other = |index: usize| &whole[(index + 1) % whole.len()].0;
            let order: Vec<usize> = if when == "while it runs" { vec![0, 1, 2] } else { vec![2, 1, 0] };
            // One after the other, so that what is copied is still whole.
            let index = order[0];
            harm(&whole[index].0, &whole[index].1, other(index));
            let engine = running.unwrap_or_else(|| llama(&folder));
            let (answer, usage) = ask(&engine, request(100, 0, 1));
            if answer != expected || usage.cached_tokens == 96 {
                return Err(format!("{when}: {} cached", usage.cached_tokens));
            }
        }
        Ok(())
    });
}

#[test]
fn strange_folders_do_no_harm() {
    let folder = Folder::new("strange");
    drop(ask(&llama(&folder), request(100, 0, 1)));
    let model = folder.blocks()[0].parent().unwrap().to_owned();
    let names = ["README", "..data", &"f".repeat(63), &"F".repeat(64), &"g".repeat(64), "x.unfinished"];
    names.iter().for_each(|name| fs::write(model.join(name), "not ours").unwrap());
    fs::write(folder.0.join("file"), "not ours").unwrap();
    fs::create_dir(folder.0.join("empty")).unwrap();
    let engine = llama(&folder);
    assert_eq!(ask(&engine, request(100, 0, 1)).1.cached_tokens, 96);
    names.iter().for_each(|name| assert_eq!(fs::read_to_string(model.join(name)).unwrap(), "not ours", "{name}"));
    // The folder goes while the engine runs: nothing is written, all are answered.
    fs::remove_dir_all(&folder.0).unwrap();
    assert_eq!(ask(&engine, request(100, 5, 2)).1.completion_tokens, 8);
    drop(engine);
    fs::write(&folder.0, "a file").unwrap();
    let dir = PrefixCacheDir { path: folder.0.clone(), bytes: PLENTY };
    let options = EngineOptions { prefix_cache_dir: Some(dir), ..options() };
    let refused = Engine::load(&testkit::vectors("models/llama/model.gguf"), &options, &mut |_, _| ()).unwrap_err();
    assert!(
        refused.to_string().contains("the prefix cache's folder") && refused.to_string().contains("strange"),
        "{refused}"
    );
    fs::remove_file(&folder.0).unwrap();
}

#[test]
fn the_folder_keeps_to_its_bounds_and_what_was_used_last() {
    let folder = Folder::new("bounds");
    drop(ask(&llama(&folder), request(100, 0, 1)));
    let size = fs::metadata(&folder.blocks()[0]).unwrap().len();
    let most = 7 * size;
    let engine = engine("llama/model.gguf", &folder, most, |_| ());
    for start in 1..6 {
        std::thread::sleep(Duration::from_millis(2));
        drop(ask(&engine, request(100, start, 1)));
        written(&engine, u64::from(start) * 3);
        assert!(folder.blocks().len() as u64 * size <= most, "{}", folder.blocks().len());
    }
    drop(engine);
    let engine = llama(&folder);
    let cached = |start| ask(&engine, request(100, start, 1)).1.cached_tokens;
    assert_eq!([cached(5), cached(4)], [96, 96], "what was used last is there whole");
    assert_eq!(cached(0), 0, "what was used first is gone");
    drop(engine);
    // A smaller bound holds from the start on.
    drop(self::engine("llama/model.gguf", &folder, 2 * size, |_| ()));
    assert_eq!(folder.blocks().len(), 2);
}

/// The bound makes room among our own files only, whatever lies beside them.
#[test]
fn files_of_other_programs_stay() {
    let folder = Folder::new("foreign");
    drop(ask(&llama(&folder), request(100, 0, 1)));
    let model = folder.blocks()[0].parent().unwrap().to_owned();
    let block = fs::read(&folder.blocks()[0]).unwrap();
    let digest = "0".repeat(64);
    let cache = folder.0.join("models--x/blobs");
    fs::create_dir_all(&cache).unwrap();
    fs::create_dir_all(folder.0.join("blobs")).unwrap();
    let others = [
        cache.join(&digest),
        folder.0.join("blobs").join(&digest),
        model.join(&digest),
        folder.0.join("blobs").join(format!("{digest}.1.unfinished")),
    ];
    others.iter().for_each(|path| fs::write(path, "weights").unwrap());
    // A block of another model of ours is ours.
    let foreign = folder.0.join("0".repeat(32));
    fs::create_dir_all(&foreign).unwrap();
    fs::write(foreign.join(&digest), &block).unwrap();
    drop(engine("llama/model.gguf", &folder, 1, |_| ()));
    others.iter().for_each(|path| assert_eq!(fs::read_to_string(path).unwrap(), "weights", "{}", path.display()));
    assert_eq!(folder.blocks().len(), 2, "only what is not ours is left: {:?}", folder.blocks());
}

/// Two programs, one folder: the bound is for both.
#[test]
fn two_programs_share_a_bound() {
    let folder = Folder::new("shared");
    drop(ask(&llama(&folder), request(100, 0, 1)));
    let size = fs::metadata(&folder.blocks()[0]).unwrap().len();
    let most = 7 * size;
    let both = [engine("llama/model.gguf", &folder, most, |_| ()), engine("llama/model.gguf", &folder, most, |_| ())];
    for start in 1..6 {
        for (engine, tenant) in both.iter().zip(2..) {
            std::thread::sleep(Duration::from_millis(2));
            drop(ask(engine, request(100, start, tenant)));
            written(engine, u64::from(start) * 3);
            assert!(folder.blocks().len() as u64 * size <= most, "{}", folder.blocks().len());
        }
    }
}

#[test]
fn many_come_back_at_once() {
    let folder = Folder::new("crowd");
    let alone: Vec<_> = {
        let engine = llama(&folder);
        (0..12).map(|i| ask(&engine, request(70 + i, i % 4, u64::from(i % 3))).0).collect()
    };
    let engine = llama(&folder);
    let streams: Vec<_> =
        (0..12).map(|i| (i, engine.submit(request(70 + i, i % 4, u64::from(i % 3))).unwrap())).collect();
    let gone: Vec<_> = (0..6).map(|i| engine.submit(request(90, i % 4, u64::from(i % 3))).unwrap()).collect();
    drop(gone);
    for (i, stream) in streams {
        let seen: Vec<_> = stream
            .filter_map(|event| match event {
                Event::Token(token) => Some(format!("{} {:08x}", token.id, token.logprob.to_bits())),
                _ => None,
            })
            .collect();
        assert_eq!(seen, alone[i as usize], "{i}");
    }
    assert!(engine.status().counters.restored_blocks > 0);
}
