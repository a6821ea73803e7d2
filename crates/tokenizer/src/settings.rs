//! The settings that a `tekken.json` states for the template (v15).

use serde::Deserialize;

/// Which settings the model was trained to read: `model_settings_builder`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelSettings {
    /// How much the model may think; `None` where it does not know the setting.
    pub reasoning_effort: Option<ReasoningEffortSetting>,
    /// Whether the model reads the JSON schema of its answer.
    pub json_schema: bool,
}

/// What the model knows of `reasoning_effort`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasoningEffortSetting {
    /// The values that may be asked for; empty: none.
    pub values: Vec<String>,
    /// What stands where nothing is asked for.
    pub default: Option<String>,
}

/// As the file spells it.
#[derive(Deserialize)]
pub(crate) struct SettingsSection {
    reasoning_effort: Option<EnumSection>,
    json_schema: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct EnumSection {
    values: Vec<String>,
    default: Option<String>,
}

impl From<SettingsSection> for ModelSettings {
    fn from(section: SettingsSection) -> Self {
        let effort = |EnumSection { values, default }| ReasoningEffortSetting { values, default };
        Self { reasoning_effort: section.reasoning_effort.map(effort), json_schema: section.json_schema.is_some() }
    }
}
