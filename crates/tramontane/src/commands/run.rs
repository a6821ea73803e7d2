//! `run`: one answer to standard output.

use std::io::{IsTerminal, stdout};

use clap::Args as ClapArgs;
use engine::prompt::{Conversation, Message};
use engine::{EngineOptions, Prompt, Request};

use crate::constraint::{ConstraintFlags, Form};
use crate::exit::{Interrupted, Usage};
use crate::flags::{AnswerFlags, CacheFlags, ModelFlags, TemplateFlags};
use crate::generation::{Printer, generate, request};
use crate::settings::Settings;
use crate::{commands, interrupt, loading, model_source, terminal};

/// Answer one prompt
///
/// The answer goes to standard output, everything else to standard error.
/// What comes through standard input is added to the prompt, after an empty line.
#[derive(Debug, ClapArgs)]
#[command(allow_negative_numbers = true)]
#[command(after_help = "\
Examples:
  tramontane run mistral-7b.gguf \"Why is the sky blue?\"
  git diff | tramontane run mistral-7b.gguf \"Write a commit message.\" --temperature 0
  tramontane run mistral-7b.gguf \"Three French cheeses.\" --schema cheeses.json
  tramontane run mistral-7b.gguf \"Is Rust a language?\" --regex \"(yes|no)\"
  tramontane run mistral-7b.gguf --raw \"Once upon a time\" --max-tokens 100 --seed 1 --json")]
pub(crate) struct Args {
    /// A .gguf file or a folder [default: TRAMONTANE_MODEL, or brise, the model inside]. May be left out before a PROMPT of several words
    model: Option<String>,
    /// What to answer
    prompt: Option<String>,
    /// Continue the text as it is, without the instruct template
    #[arg(long, conflicts_with_all = ["system", "template"])]
    raw: bool,
    /// Print one JSON object: text, finish_reason, usage, timings, seed
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    answer: AnswerFlags,
    #[command(flatten)]
    constraint: ConstraintFlags,
    #[command(flatten)]
    template: TemplateFlags,
    #[command(flatten)]
    model_flags: ModelFlags,
    #[command(flatten)]
    cache: CacheFlags,
}

/// # Errors
/// The model cannot be loaded, or the answer fails.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let options = args.answer.options(settings)?;
    let form = args.constraint.form()?;
    let (model, prompt) = args.model_and_prompt();
    let text = prompt_text(prompt, args.raw, model)?;
    let template = args.template.version(settings)?;
    let loading = EngineOptions {
        template,
        prefix_cache_dir: args.cache.folder(settings)?,
        ..args.model_flags.options(settings)?
    };
    let engine = loading::load(model, loading, settings)?;
    let options = options.with(&args.answer, settings, engine.card())?;
    interrupt::install()?;
    let prompt = args.prompt(text, options.system.as_deref(), form.as_ref());
    let constraint = form.map(|form| form.compile(&engine, args.raw)).transpose()?;
    let request = Request { constraint, ..request(prompt, &options) };
    let mut printer = Printer::default();
    let answer = generate(&engine, request, &mut |text, kind| match args.json {
        true => Ok(()),
        false => printer.show(text, kind),
    })?;
    if args.json {
        commands::print_json(&answer.json(engine.card(), options.sampling.seed))?;
    } else if !args.raw || stdout().is_terminal() {
        // A raw continuation in a pipe stays exact to the byte.
        printer.end()?;
    }
    for call in &answer.tool_calls {
        terminal::note(&format!("the model calls {}({}), which `run` does not do", call.name, call.arguments));
    }
    if !args.raw && engine.text().template.version().is_none() {
        // Not one of the templates that are tested here: whoever reads the answer should know.
        terminal::note(&engine.card().template);
    }
    answer.explain(engine.card());
    if options.stats {
        terminal::aside(&loading::room_of(engine.card()));
        engine.card().notes.iter().for_each(|note| terminal::aside(note));
        if !args.raw && engine.text().template.version().is_some() {
            terminal::aside(&engine.card().template);
        }
        terminal::aside(&answer.stats(engine.card(), options.sampling.seed));
    }
    if answer.reason.is_none() { Err(Interrupted.into()) } else { Ok(()) }
}

impl Args {
    /// A single argument of several words is the prompt.
    fn model_and_prompt(&self) -> (Option<&str>, Option<&str>) {
        match (self.model.as_deref(), self.prompt.as_deref()) {
            (Some(word), None) if model_source::is_prompt(word) => (None, Some(word)),
            other => other,
        }
    }

    fn prompt(&self, text: String, system: Option<&str>, form: Option<&Form>) -> Prompt {
        if self.raw {
            return Prompt::Text(text);
        }
        let system = system.map(Message::system);
        let mut conversation = Conversation::new(system.into_iter().chain([Message::user(text)]));
        conversation.settings.json_schema = form.and_then(|form| form.schema.clone());
        Prompt::Conversation(Box::new(conversation))
    }
}

/// The argument and standard input together.
fn prompt_text(argument: Option<&str>, raw: bool, model: Option<&str>) -> anyhow::Result<String> {
    let input = if terminal::has_reader() { String::new() } else { commands::read_stdin()? };
    match (argument, input.is_empty()) {
        (None, true) => Err(Usage::error(match model {
            Some(word) => {
                format!("there is no prompt: {word} is taken for MODEL; write `run brise {word}` to have it answered")
            }
            None => "there is no prompt: give it as an argument or through standard input".to_owned(),
        })),
        (None, false) => Ok(input),
        (Some(argument), true) => Ok(argument.to_owned()),
        (Some(argument), false) if raw => Ok(format!("{argument}{input}")),
        (Some(argument), false) => Ok(format!("{argument}\n\n{input}")),
    }
}
