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
    check_table(rows, |(name, chat, expected)| {
        let template = JinjaTemplate::new(&source(name)).map_err(|error| error.to_string())?;
        let conversation = Conversation::from_json(&chat.to_string()).unwrap();
        match (template.render_text(&conversation, &context()), expected["text"].as_str()) {
            (Ok(ours), Some(theirs)) if ours == theirs => Ok(()),
            // Python leaves out what the template never speaks of.
            (Err(Error::TemplateCannot(what)), _) if !source(name).contains(&what.replace(' ', "_")) => Ok(()),
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

/// Each goes through what counts lists and comparisons, and comes out as Jinja has it.
#[test]
fn lists_and_comparisons() {
    let rows = [
        ("{{ [1, 2] == [1, 2] and [1] != [2] and 1 < 2 and 2 >= 2 and not 1 > 2 and 1 <= 1 }}", "True"),
        ("{{ (1, 2)[0] }}{% for a, b in [(1, 2), [3, 4]] %}{{ a + b }}{% endfor %}", "137"),
        ("{{ {'b': 1, 'a': [2]}.a[0] }}{{ 'b' in {'b': 1} }}{{ 3 in [1] }}{{ 'l' not in 'hello' }}", "2TrueFalseFalse"),
        ("{% for k, v in {'b': 1, 'a': 2} | items %}{{ k }}{{ v }}{% endfor %}", "b1a2"),
        ("{% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}{{ v }}{% endfor %}", "b1a2"),
        (
            "{{ {'b': 1, 'a': 2} | dictsort | first | first }}{{ {'b': 1} | tojson }}{{ {'b': [1]} }}",
            "a{\"b\": 1}{'b': [1]}",
        ),
        ("{{ [3, 1, 2] | sort | join(',') }}{{ [3, 1] | sort(reverse=true) | list }}", "1,2,3[3, 1]"),
        ("{{ [1, 2, 3] | sum }}{{ [{'a': 1}, {'a': 5}] | sum(attribute='a') }}{{ [1] | sum(start=2) }}", "663"),
        (
            "{{ [2, 5, 3] | max }}{{ [2, 5] | min }}{{ range(5) | list | last }}{{ [1, 2] | reverse | list }}",
            "524[2, 1]",
        ),
        ("{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{{ messages | length }}", "12"),
        ("{{ messages | map(attribute='role') | unique | join(' ') }}{{ messages[::-1][0].role }}", "system useruser"),
        ("{% for m in messages if m.role == 'user' %}{{ m.content }}{{ loop.last }}{% endfor %}", " a B True"),
        ("{{ ' a B '.strip().upper() }}{{ 'a,b'.split(',')[1] }}{{ 'a b' | split | list }}", "A Bb['a', 'b']"),
        (
            "{{ dict(a=1).a }}{{ x is undefined and not x == 1 }}{{ [[1], [1, 2]] | map('length') | list }}",
            "1True[1, 2]",
        ),
        (
            "{% set ns = namespace(a=[]) %}{% for i in [1, 2] %}{% set ns.a = ns.a + [i] %}{% endfor %}{{ ns.a }}",
            "[1, 2]",
        ),
    ];
    let conversation = Conversation::new([Message::system("S"), Message::user(" a B ")]);
    check_table(rows.map(|row| (row.0, row)), |(template, expected)| {
        let rendered = JinjaTemplate::new(template).unwrap().render_text(&conversation, &context());
        match rendered {
            Ok(text) if text == expected => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
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
    check_refused(&fails);
}

/// Lists that are each small, and many; and values inside values, kept in no variable.
#[test]
fn hostile_templates_of_many_lists() {
    let eight = "{% set ns = namespace(l=[8, 7, 6, 5, 4, 3, 2, 1]) %}{% for i in range(12) %}{% set ns.l = ns.l + ns.l %}\
                 {% endfor %}{% set l = ns.l %}";
    let with = format!("{{% with {} %}}", (0..100).map(|i| format!("a{i} = l + l")).collect::<Vec<_>>().join(", "));
    check_refused(&[
        // Lists that are each small, and many: in one list, in a block, one after the other.
        format!("{eight}{{{{ [{}] | length }}}}", vec!["l + l"; 140].join(", ")),
        format!("{eight}{{{{ [{}] | length }}}}", vec!["l[:]"; 140].join(", ")),
        format!("{eight}{{{{ [{}] | length }}}}", vec!["l | sort"; 140].join(", ")),
        format!("{eight}{{{{ [{}] | length }}}}", vec!["(l | string)[:]"; 140].join(", ")),
        format!("{eight}{}x{}", with.repeat(3), "{% endwith %}".repeat(3)),
        format!("{eight}{{% for i in range(9000) %}}{{{{ (l + l) | length }}}}{{% endfor %}}"),
        format!("{eight}{{% for i in range(9000) %}}{{{{ l[::2] | length }}}}{{% endfor %}}"),
        format!("{eight}{{% for i in range(2000) %}}{{{{ l | sort | length }}}}{{% endfor %}}"),
        format!("{eight}{{% for i in range(9000) %}}{{{{ l == l[:] }}}}{{% endfor %}}"),
        format!("{eight}{{% for i in range(9000) %}}{{{{ 9 in l }}}}{{% endfor %}}"),
        format!("{eight}{{% for i in range(9000) %}}{{{{ l | map('string') | list | length }}}}{{% endfor %}}"),
        format!("{eight}{{% for i in range(9000) %}}{{{{ l | select('in', l) | list | length }}}}{{% endfor %}}"),
        format!("{eight}{{% for i in range(9000) %}}{{{{ (l | join(' ')).split(' ') | length }}}}{{% endfor %}}"),
        format!("{eight}{{% for i in range(9000) %}}{{{{ l | tojson | length }}}}{{% endfor %}}"),
        format!("{eight}{{{{ [l, l, l] | sum(start=[]) | length }}}}"),
        "{{ messages | map(attribute='content') | sum(start='') }}".to_owned(),
        "{{ messages | map(attribute='content') | sum(none, '') }}".to_owned(),
        format!("{eight}{{{{ l == l == l }}}}"),
        // Values inside values, kept in no variable.
        format!("{{% macro m(x) %}}{{{{ m({}x{}) }}}}{{% endmacro %}}{{{{ m(1) }}}}", "[".repeat(100), "]".repeat(100)),
        "{% macro m(x, n) %}{% if n %}{{ m([x, x], n - 1) }}{% else %}{{ x }}{% endif %}{% endmacro %}{{ m(1, 50) }}".to_owned(),
        "{% macro m(x, n) %}{% if n %}{{ m({1: x, 2: x}, n - 1) }}{% else %}{{ x == x }}{% endif %}{% endmacro %}{{ m(1, 50) }}".to_owned(),
        format!("{}{{{{ x40 == x40 }}}}{}", (1..41).map(|i| format!("{{% with x{i} = [x{0}, x{0}] %}}", i - 1)).collect::<String>(), "{% endwith %}".repeat(40)),
    ]);
}

fn check_refused(templates: &[String]) {
    let name = |template: &String| template.chars().take(90).collect::<String>();
    check_table(templates.iter().map(|template| (name(template), template)), |template| {
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

/// What a template never speaks of is refused, not left out.
#[test]
fn what_a_template_cannot_render() {
    let with = |json: &str| {
        Conversation::from_json(&format!("{{\"messages\": [{{\"role\": \"user\", \"content\": \"a\"}}{json}}}"))
            .unwrap()
    };
    let tools = r#"], "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]"#;
    let calls = r#", {"role": "assistant", "tool_calls": [{"id": "123456789", "function": {"name": "f", "arguments": "{}"}}]}, {"role": "tool", "tool_call_id": "123456789", "content": "b"}]"#;
    let effort = r#"], "reasoning_effort": "high""#;
    let plain = "{% for m in messages %}{{ m.content }}{% endfor %}";
    let rows = [
        (plain.to_owned(), tools, Err("the model's chat template cannot render tools: leave it out")),
        (plain.to_owned(), calls, Err("the model's chat template cannot render tool calls: leave it out")),
        (plain.to_owned(), effort, Err("the model's chat template cannot render a reasoning effort: leave it out")),
        (format!("{plain}{{{{ tools[0].function.name }}}}"), tools, Ok("af")),
        (format!("{plain}{{{{ messages[1].tool_calls[0].function.name }}}}"), calls, Ok("abf")),
        (format!("{plain}{{{{ reasoning_effort }}}}"), effort, Ok("ahigh")),
        (format!("{plain}{{{{ reasoning_effort is defined }}}}"), "]", Ok("aFalse")),
    ];
    check_table(rows.map(|row| (format!("{} {}", row.0, row.1), row)), |(template, json, expected)| {
        let rendered = JinjaTemplate::new(&template).unwrap().render_text(&with(json), &context());
        let ours = rendered.map_err(|error| error.to_string());
        if ours.as_deref().map_err(String::as_str) == expected { Ok(()) } else { Err(format!("{ours:?}")) }
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
