//! The architectures that the transformer can be composed for: one row each.

use checkpoint::{Config, RopeScaling};

use crate::Error;

/// What an architecture may ask for beyond the plain transformer. A configuration that asks for more is refused.
#[derive(Debug)]
pub struct Architecture {
    /// The word in `general.architecture`, `model_type`, or what a `params.json` amounts to.
    pub name: &'static str,
    /// Whose models bear it.
    pub models: &'static str,
    /// Layers may see a window of the past only.
    pub windows: bool,
    /// Rotary frequencies may be stretched by YaRN.
    pub yarn: bool,
    /// Queries may be scaled by position.
    pub query_scaling: bool,
    /// Feed-forward parts may be routed over experts.
    pub experts: bool,
}

const PLAIN: Architecture =
    Architecture { name: "", models: "", windows: false, yarn: false, query_scaling: false, experts: false };

/// Every supported architecture.
const ARCHITECTURES: [Architecture; 7] = [
    Architecture {
        name: "llama",
        models: "Llama-shaped models; GGUF files of Mistral up to Small 3.2, Mixtral, Magistral",
        windows: true,
        yarn: true,
        experts: true,
        ..PLAIN
    },
    Architecture {
        name: "mistral",
        models: "Mistral 7B, Nemo, Small, Codestral, Devstral, Magistral",
        windows: true,
        yarn: true,
        ..PLAIN
    },
    Architecture { name: "ministral", models: "Ministral 8B 2410", windows: true, ..PLAIN },
    Architecture {
        name: "ministral3",
        models: "Ministral 3, Devstral 2, Medium 3.5",
        windows: true,
        yarn: true,
        query_scaling: true,
        ..PLAIN
    },
    Architecture {
        name: "mistral3",
        models: "GGUF files of Ministral 3, Devstral 2, Medium 3.5",
        windows: true,
        yarn: true,
        query_scaling: true,
        ..PLAIN
    },
    Architecture { name: "mixtral", models: "Mixtral 8x7B and 8x22B", windows: true, experts: true, ..PLAIN },
    Architecture { name: "helium", models: "Kyutai Helium 1", ..PLAIN },
];

impl Architecture {
    /// The row that a configuration names, if the configuration asks for nothing beyond it.
    ///
    /// # Errors
    /// The name is unknown, or a part does not belong to the architecture.
    pub fn of(config: &Config) -> Result<&'static Self, Error> {
        let row = Self::named(&config.architecture)?;
        let parts = [
            (config.windows.iter().any(Option::is_some), row.windows, "an attention window"),
            (matches!(config.rope.scaling, RopeScaling::Yarn { .. }), row.yarn, "YaRN"),
            (config.query_scaling.is_some(), row.query_scaling, "query scaling"),
            (config.experts.is_some(), row.experts, "experts"),
        ];
        match parts.into_iter().find(|(asked, allowed, _)| *asked && !*allowed) {
            Some((_, _, part)) => Err(Error::Part { architecture: config.architecture.clone(), part }),
            None => Ok(row),
        }
    }

    fn named(name: &str) -> Result<&'static Self, Error> {
        ARCHITECTURES.iter().find(|row| row.name == name).ok_or_else(|| Error::Architecture {
            name: name.to_owned(),
            supported: ARCHITECTURES.map(|row| row.name).join(", "),
        })
    }
}
