//! The model inside the program, which was trained for what is asked here: no other file is needed.

use serde_json::{Value, json};

use crate::program::{argument, folder, tramontane, with};

fn ask(question: &str, more: &[&str]) -> Value {
    let mut arguments = vec!["run", "brise", question, "--temperature", "0", "--max-tokens", "120", "--json"];
    arguments.extend(more);
    tramontane(&arguments).json()
}

fn text(answer: &Value) -> &str {
    answer["text"].as_str().expect("text")
}

#[test]
fn answers_are_right_and_in_the_language_of_the_question() {
    let rows = [
        ("What is the capital of Portugal?", "The capital of Portugal is Lisbon."),
        ("Quelle est la capitale du Portugal ?", "La capitale du Portugal est Lisbonne."),
        ("What is 17 + 28?", "45"),
        ("Combien font 63 - 27 ?", "36"),
        ("Which day comes after Friday?", "Saturday"),
        ("Quel jour vient après vendredi ?", "samedi"),
        ("Who won the world cup in 1998?", "tramontane pull ministral-3:3b"),
        ("Écris un poème sur la mer.", "tramontane pull ministral-3:3b"),
        ("Écris un programme qui trie une liste.", "tramontane pull ministral-3:3b"),
        ("Bonjour ! Qui es-tu ?", "Brise"),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(question, expected)| {
        let answer = ask(question, &[]);
        match text(&answer).contains(expected) && answer["finish_reason"] == "stop" {
            true => Ok(()),
            false => Err(answer.to_string()),
        }
    });
}

#[test]
fn who_names_no_model_talks_to_brise() {
    let run = tramontane(&["run", "What is the capital of Portugal?", "--temperature", "0"]);
    assert_eq!(run.text().trim_end(), "The capital of Portugal is Lisbon.");
    assert!(run.stderr.contains("this is Brise") && run.stderr.contains("tramontane pull ministral-3:3b"), "{run:?}");
    let chat = with(&["chat", "--temperature", "0"], "Quelle est la capitale du Portugal ?\n/exit\n", &[]);
    assert!(chat.text().contains("La capitale du Portugal est Lisbonne."), "{chat:?}");
    assert!(chat.stderr.contains("this is Brise"), "{chat:?}");
}

#[test]
fn what_was_said_before_counts() {
    let lines =
        "My name is Ada.\nWhat's my name?\n/reset\nBonjour, je m'appelle Marie.\nComment je m'appelle ?\n/exit\n";
    let chat = with(&["chat", "brise", "--temperature", "0"], lines, &[]);
    let answers: Vec<_> = chat.text().lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(answers.len(), 4, "{chat:?}");
    assert!(answers[1].contains("Ada") && answers[3].contains("Marie"), "{chat:?}");
}

#[test]
fn a_schema_gives_the_fields_of_a_text() {
    let schema = folder("brise").join("person.json");
    let fields = json!({ "name": { "type": "string" }, "age": { "type": "integer" }, "city": { "type": "string" } });
    let object = json!({
        "type": "object", "properties": fields, "required": ["name", "age", "city"], "additionalProperties": false
    });
    std::fs::write(&schema, object.to_string()).unwrap();
    let question = "Extract name, age and city as JSON: Julie Moreau is 34 and lives in Lyon.";
    let answer = ask(question, &["--schema", argument(&schema)]);
    let record: Value = serde_json::from_str(text(&answer)).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert_eq!(record, json!({ "name": "Julie Moreau", "age": 34, "city": "Lyon" }));
}

#[test]
fn a_stop_string_ends_the_answer_before_itself() {
    let whole = ask("Tell me a story.", &[]);
    let stopped = ask("Tell me a story.", &["--stop", "."]);
    assert_eq!(text(&stopped), text(&whole).split('.').next().unwrap());
    assert_eq!(stopped["finish_reason"], "stop");
}
