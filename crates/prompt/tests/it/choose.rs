//! Which template is used, and what the user is told of it.

use prompt::{ChosenTemplate, choose};
use testkit::check_table;

use crate::tokenizers;

#[test]
fn choices() {
    let llama2 = "{{ bos_token }}[INST] <<SYS>> {{ messages[0].content }} [/INST]";
    let chatml = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor %}";
    let rows = [
        (
            "spm v3",
            Some(chatml),
            "jinja: The model file's own chat template is used: it writes none of Mistral's control tokens.",
        ),
        (
            "spm v3",
            Some("[INST]{{ messages[0].content }}[/INST]"),
            "v3: The built-in template v3 is used: the tokenizer file states that version.",
        ),
        ("spm v3", Some(" "), "v3: The built-in template v3 is used: the tokenizer file states that version."),
        ("spm v3", None, "v3: The built-in template v3 is used: the tokenizer file states that version."),
        (
            "tekken v13",
            Some("mistral-v7"),
            "v13: The built-in template v13 is used: the tokenizer file states that version.",
        ),
        (
            "",
            None,
            "the model file has no chat template and its tokenizer is not Mistral's: use `run --raw` to continue plain text",
        ),
        ("", Some("mistral-v1"), "v1: The built-in template v1 is used: the model file names mistral-v1."),
        (
            "",
            Some("mistral-v7-tekken"),
            "v7: The built-in template v7 is used: the model file names mistral-v7-tekken.",
        ),
        (
            "",
            Some("mistral-v99"),
            "the chat template \"mistral-v99\" is not known: the file needs the template itself, or one of mistral-v1, mistral-v3, mistral-v3-tekken, mistral-v7, mistral-v7-tekken",
        ),
        (
            "",
            Some("chatml"),
            "the chat template \"chatml\" is not known: the file needs the template itself, or one of mistral-v1, mistral-v3, mistral-v3-tekken, mistral-v7, mistral-v7-tekken",
        ),
        (
            "",
            Some("{{ messages[0].content }}"),
            "jinja: The model file's own chat template is used: its tokenizer is not one of Mistral's.",
        ),
        ("", Some(llama2), "jinja: The model file's own chat template is used: its tokenizer is not one of Mistral's."),
        (
            "",
            Some("[INST] {{ messages[0].content }} [/INST]"),
            "v1: The built-in template v1 is used: the model file's own template writes [INST] as text.",
        ),
        ("", Some("{{"), "the chat template fails at line 1: unexpected end of input, expected expression"),
    ];
    check_table(rows.map(|row| (format!("{} {:?}", row.0, row.1), row)), |(name, template, expected)| {
        // A SentencePiece model whose file is named nothing tells no version, and has no control tokens of Mistral's.
        let tokenizer = if name.is_empty() { tokenizers::unnamed() } else { tokenizers::small(name) };
        let ours = match choose(&tokenizer, template) {
            Err(error) => error.to_string(),
            Ok(choice) => match choice.template {
                ChosenTemplate::Instruct(version) => format!("{version}: {}", choice.reason),
                ChosenTemplate::Jinja(_) => format!("jinja: {}", choice.reason),
            },
        };
        if ours == expected { Ok(()) } else { Err(ours) }
    });
}

#[test]
fn a_vocabulary_with_mistrals_control_tokens() {
    let tokenizer = tokenizers::unnamed_v7();
    let version = |template| choose(&tokenizer, template).unwrap().version().unwrap().name();
    let chatml = choose(&tokenizer, Some("<|im_start|>{{ messages[0].content }}<|im_end|>")).unwrap();
    assert_eq!(chatml.version(), None);
    assert_eq!(
        chatml.reason,
        "The model file's own chat template is used: it writes none of Mistral's control tokens."
    );
    assert_eq!(version(None), "v7");
    assert_eq!(version(Some("[INST]{{ messages[0].content }}[/INST]")), "v3");
    assert_eq!(version(Some("[SYSTEM_PROMPT]{{ messages[0].content }}[/SYSTEM_PROMPT]")), "v7");
}
