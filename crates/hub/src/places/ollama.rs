//! Ollama's models: `manifests/HOST/NAMESPACE/MODEL/TAG` is JSON that names layers, `blobs/sha256-HEX` are their bytes.
//!
//! The layer of type `application/vnd.ollama.image.model` is a GGUF file without that ending. The digest that a manifest
//! gives becomes part of a path, so it is parsed first: 64 lower-case hexadecimal digits and nothing else.

use serde::Deserialize;

use super::tree::{Kind, Tree};
use super::{Found, FoundFile, Place};
use crate::{BlobDigest, Sha256Digest, limits};

const MODEL: &str = "application/vnd.ollama.image.model";
const ADAPTER: &str = "application/vnd.ollama.image.adapter";
const TENSOR: &str = "application/vnd.ollama.image.tensor";

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
    size: u64,
}

pub(super) fn read(tree: &Tree, found: &mut Vec<Found>) {
    let Some(manifests) = tree.below("manifests") else { return };
    for host in manifests.folders() {
        let Some(namespaces) = manifests.below(&host) else { continue };
        for namespace in namespaces.folders() {
            let Some(models) = namespaces.below(&namespace) else { continue };
            for model in models.folders() {
                let tags = models.list(&models.root().join(&model)).into_iter();
                for tag in tags.filter(|tag| matches!(tag.kind, Kind::File { .. }) && !tag.name.starts_with('.')) {
                    let names = names(&host, &namespace, &model, &tag.name);
                    let text = manifests.read_text(&tag.path, limits::MANIFEST_BYTES);
                    found.push(found_model(tree, names, text.as_deref()));
                }
            }
            if found.len() > limits::MODELS {
                return;
            }
        }
    }
}

/// What Ollama calls it, first; the same without the tag, where that is `latest`.
fn names(host: &str, namespace: &str, model: &str, tag: &str) -> Vec<String> {
    let model = match (host, namespace) {
        ("registry.ollama.ai", "library") => model.to_owned(),
        ("registry.ollama.ai", _) => format!("{namespace}/{model}"),
        _ => format!("{host}/{namespace}/{model}"),
    };
    let mut names = vec![format!("{model}:{tag}")];
    if tag == "latest" {
        names.push(model.clone());
    }
    names.extend(hub_repo(&model).map(|repo| format!("{repo}:{tag}")));
    names
}

/// `user/repo` for `hf.co/user/repo`: what Ollama fetched from the hub.
fn hub_repo(model: &str) -> Option<&str> {
    ["hf.co/", "huggingface.co/"].iter().find_map(|host| model.strip_prefix(host))
}

fn found_model(tree: &Tree, mut names: Vec<String>, manifest: Option<&str>) -> Found {
    let model = match manifest.map(serde_json::from_str::<Manifest>) {
        None => Err("its manifest cannot be read".to_owned()),
        Some(Err(problem)) => Err(format!("its manifest is damaged: {problem}")),
        Some(Ok(manifest)) => weights(tree, &manifest),
    };
    let (file, problem) = match model {
        Ok((file, problem)) => (Some(file), problem),
        Err(problem) => (None, Some(problem)),
    };
    let name = names.remove(0);
    Found {
        path: file.as_ref().map_or_else(|| tree.root().to_owned(), |file| file.path.clone()),
        origin: Some(
            hub_repo(&name).and_then(|name| name.rsplit_once(':')).map_or(name.as_str(), |(repo, _)| repo).to_owned(),
        ),
        revision: None,
        manifest: None,
        name,
        aliases: names,
        place: Place::Ollama,
        files: file.into_iter().collect(),
        problem,
    }
}

/// The file with the weights, and what speaks against using it.
fn weights(tree: &Tree, manifest: &Manifest) -> Result<(FoundFile, Option<String>), String> {
    if manifest.layers.len() > limits::OLLAMA_LAYERS {
        return Err(format!("its manifest has {} layers", manifest.layers.len()));
    }
    let of_type = |name: &'static str| manifest.layers.iter().filter(move |layer| layer.media_type == name);
    let mut models = of_type(MODEL);
    let Some(layer) = models.next() else {
        return Err(match of_type(TENSOR).next() {
            Some(_) => "Ollama keeps it as single tensors, which are not read".to_owned(),
            None => "its manifest names no weights".to_owned(),
        });
    };
    let digest = layer.digest.strip_prefix("sha256:").and_then(|hex| Sha256Digest::parse(hex).ok());
    let Some(digest) = digest else { return Err("its manifest gives a digest that is none".to_owned()) };
    let name = format!("sha256-{digest}");
    let file = match tree.kind(&tree.root().join("blobs").join(&name)) {
        Some(Kind::File { target, size_bytes }) if size_bytes == layer.size => {
            FoundFile { name, path: target, size_bytes, expected: Some(BlobDigest::Sha256(digest)) }
        }
        Some(Kind::File { size_bytes, .. }) => {
            return Err(format!("its file has {size_bytes} bytes, its manifest says {}", layer.size));
        }
        Some(Kind::Unusable(problem)) => return Err(format!("its file is {problem}")),
        _ => return Err(format!("its file blobs/{name} is missing")),
    };
    let problem = if models.next().is_some() {
        Some("its manifest names several files of weights".to_owned())
    } else {
        of_type(ADAPTER).next().map(|_| "it has an adapter (LoRA), which is not applied".to_owned())
    };
    Ok((file, problem))
}
