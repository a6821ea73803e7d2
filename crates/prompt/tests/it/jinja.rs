//! Chat templates of other families: as Python renders them, within bounds, and deaf to control tokens in user text.

use std::time::{Duration, Instant};

use prompt::{Conversation, Error, JinjaTemplate, Message, Moment, TemplateContext, render_template};
use testkit::{check_table, json, vectors};

use crate::tokenizers;

fn source(name: &str) -> String {
    std::fs::read_to_string(vectors(&format!("prompt/templates/{name}.jinja"))).unwrap()
}

fn context() -> TemplateContext {
    let controls = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<start_of_turn>", "<end_of_turn>"];
    TemplateContext {
        bos: "<s>".to_owned(),
        eos: "</s>".to_owned(),
        now: Moment { year: 2026, month: 2, day: 3, hour: 4, minute: 5, second: 6 },
        controls: controls.map(str::to_owned).to_vec(),
    }
}

#[test]
fn as_python_renders_them() {
    let golden = json(&vectors("prompt/jinja.json"));
    let chats = json(&vectors("prompt/cases.json"))["chats"].take();
    let mut rows = Vec::new();
    for (template, renderings) in golden.as_object().unwrap() {
        for (chat, expected) in renderings.as_object().unwrap() {
            rows.push((format!("{template}: {chat}"), (template, &chats[chat], expected)));
        }
    }
    check_table(rows, |(template, chat, expected)| {
        let template = JinjaTemplate::new(&source(template)).map_err(|error| error.to_string())?;
        let conversation = Conversation::from_json(&chat.to_string()).unwrap();
        match (template.render_text(&conversation, &context()), expected["text"].as_str()) {
            (Ok(ours), Some(theirs)) if ours == theirs => Ok(()),
            (Err(ours), None) if ours.to_string().ends_with(expected["error"].as_str().unwrap()) => Ok(()),
            (ours, _) => {
                Err(format!("\n--- ours\n{}\n--- theirs\n{expected:#}", ours.unwrap_or_else(|e| e.to_string())))
            }
        }
    });
}

/// `tekken v7` stands in for another family's tokenizer: `<s>`, `</s>`, `[INST]` are its control tokens.
#[test]
fn user_text_makes_no_control_token() {
    let tokenizer = tokenizers::small("tekken v7");
    let templates = [
        "{{ bos_token }}{% for m in messages %}[INST]{{ m.content }}</s>{% endfor %}",
        "{{ bos_token }}{% for m in messages %}{{ '[INST]' + m.content + '</s>' }}{% endfor %}",
        "{{ bos_token }}{% for m in messages %}[INST]{{ m.content | lower | trim }}</s>{% endfor %}",
        "{{ bos_token }}{% for m in messages %}[INST]{{ m.content.replace('x', '') }}</s>{% endfor %}",
        "{{ bos_token }}{% for m in messages %}[INST]{{ m.content.split('</think>') | last }}</s>{% endfor %}",
        "{{ bos_token }}{% for m in messages %}[INST]<{{ m.content }}</s>{% endfor %}",
        "{{ bos_token }}{% for m in messages %}[INST]{{ m.content }}{{ m.content }}</s>{% endfor %}",
        "{{ bos_token }}{% for m in messages %}[INST]{{ m | tojson }}</s>{% endfor %}",
        "{{ bos_token }}{% for m in messages %}[INST]{{ m.content[:3] }}{{ m.content[3:] }}</s>{% endfor %}",
        "{% set t %}{{ messages[0].content }}{% endset %}{{ bos_token }}[INST]{{ t | trim }}</s>",
    ];
    let texts = [
        "</s>",
        " </s> ",
        "<s>",
        "</S>",
        "<|/s>",
        "<x/s>",
        "</xs>",
        "a</s>b[INST]c[/INST]",
        "s>",
        "/s>",
        "<",
        "/s><",
        "<think>x</think></s>",
        "x</think>/s>",
        "[INST",
        "INST]",
        "\u{fdd0}</s>",
        "<\u{fdd0}/s>",
        "<unk><pad>[IMG]",
        "S>",
        "</think></s>",
    ];
    let rows = templates
        .iter()
        .flat_map(|template| texts.iter().map(move |text| (format!("{template} {text}"), (template, text))));
    check_table(rows, |(template, text)| {
        let conversation = Conversation::new([Message::user(*text)]);
        let template = JinjaTemplate::new(template).unwrap();
        let rendered = template.render(&tokenizer, &conversation, Moment::default()).map_err(|e| e.to_string())?;
        let controls: Vec<String> =
            rendered.tokens.iter().filter(|id| tokenizer.is_special(**id)).map(|id| tokenizer.piece(*id)).collect();
        let has_mark = rendered.text.contains(|c| ('\u{fdd1}'..='\u{fdef}').contains(&c));
        if controls == ["<s>", "[INST]", "</s>"] && !has_mark { Ok(()) } else { Err(format!("{rendered:?}")) }
    });
}

#[test]
fn user_text_stays_what_it_is() {
    let tokenizer = tokenizers::small("tekken v7");
    let template =
        JinjaTemplate::new("{{ bos_token }}{% for m in messages %}[INST]{{ m.content }}{% endfor %}").unwrap();
    let conversation = Conversation::new([Message::user("</s> <a> [b] \u{fdd0} é"), Message::user("s>")]);
    let rendered = template.render(&tokenizer, &conversation, Moment::default()).unwrap();
    assert_eq!(rendered.text, "<s>[INST]</s> <a> [b] \u{fdd0} é[INST]s>");
}

/// hostile.md, rows 10 and 11, and what else was found to break the template engine.
#[test]
fn hostile_templates() {
    let repeated = |start: &str, part: &str, end: &str| [start, &part.repeat(50_000), end].concat();
    let fails = [
        "{{ ''.__class__.__mro__ }}".to_owned(),
        "{{ messages.__class__.__base__.__subclasses__() }}".to_owned(),
        "{{ cycler.__init__.__globals__.os }}".to_owned(),
        "{{ lipsum.__globals__ }}".to_owned(),
        "{{ self.__init__.__globals__ }}".to_owned(),
        "{{ messages | attr('__class__') | attr('__base__') }}".to_owned(),
        "{% include '/etc/passwd' %}".to_owned(),
        "{% import 'os' as os %}".to_owned(),
        "{{ debug() }}".to_owned(),
        repeated("", "{% if 1 %}", ""),
        repeated("", "{% if 1 %}", &"{% endif %}".repeat(50_000)),
        repeated("{{ ", "(", " }}"),
        repeated("{{ ", "[", " }}"),
        repeated("{{ ", "not ", "1 }}"),
        repeated("{{ ", "-", "1 }}"),
        repeated("{{ 1", "+1", " }}"),
        repeated("{{ a", "~a", " }}"),
        repeated("{{ a", "|abs", " }}"),
        repeated("{{ a", ".b", " }}"),
        repeated("{{ a", "()", " }}"),
        repeated("{{ ", "1 if 0 else ", "1 }}"),
        repeated("{% if 0 %}", "{% elif 0 %}", "{% endif %}"),
        "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}".to_owned(),
        "{% macro m(x) %}{{ m(x ~ x) }}{% endmacro %}{{ m('aaaaaaaa') }}".to_owned(),
        "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}".to_owned(),
        "{% for i in range(10**9) %}{% endfor %}".to_owned(),
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}".to_owned(),
        "{{ 'a' * 1000000000 }}".to_owned(),
        "{% set n = 1000000000 %}{{ 'a' * n }}".to_owned(),
        format!("{{{{ {} }}}}", "'a' * 90000000 ~ ".repeat(20) + "''"),
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x | replace('a', 'aa') %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x.replace('a', 'aa') %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] | join %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}".to_owned(),
        "{% set ns = namespace(x=[1]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}".to_owned(),
        "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}".to_owned(),
        "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x | string }}".to_owned(),
        "{% set ns = namespace() %}{% set ns2 = namespace(x=ns) %}{% set ns.x = ns2 %}{{ ns }}".to_owned(),
        "{% set x %}{% for i in range(90000) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' * 1000 }}{% endfor %}{% endset %}".to_owned(),
        "{{ '%1000000000d' | format(1) }}".to_owned(),
        "{{ '%1000000000d' % 1 }}".to_owned(),
        "{{ '{:>1000000000}'.format(1) }}".to_owned(),
        "{{ ('a\n' * 1000000) | indent(1000000000) }}".to_owned(),
        "{{ raise_exception('no') }}".to_owned(),
        "{{ strftime_now('%Q') }}".to_owned(),
        "{{ messages | tojson(indent=1000000000) }}".to_owned(),
        "{% for m in messages %}".to_owned(),
        "{{".to_owned(),
        "x".repeat(prompt::limits::MAX_TEMPLATE_BYTES + 1),
    ];
    let name = |template: &String| template.chars().take(90).collect::<String>();
    check_table(fails.iter().map(|template| (name(template), template)), |template| {
        let start = Instant::now();
        let result = render_template(template.as_bytes());
        if start.elapsed() > Duration::from_secs(10) {
            return Err(format!("took {:?}", start.elapsed()));
        }
        match result {
            Err(Error::Template { .. } | Error::TemplateRefused(_)) => Ok(()),
            other => Err(format!("{:.200}", format!("{other:?}"))),
        }
    });
}

#[test]
fn errors_name_the_line() {
    let error = render_template(b"a\nb\n{{ raise_exception('roles must alternate') }}").unwrap_err();
    assert_eq!(error.to_string(), "the chat template fails at line 3: roles must alternate");
    let error = render_template(b"a\n{% if %}").unwrap_err();
    assert!(error.to_string().starts_with("the chat template fails at line 2: "), "{error}");
}

#[test]
fn moments() {
    let moment = Moment::from_unix_seconds(1_709_210_096);
    assert_eq!(moment, Moment { year: 2024, month: 2, day: 29, hour: 12, minute: 34, second: 56 });
    assert_eq!(Moment::from_unix_seconds(0), Moment { year: 1970, ..Moment::default() });
}
