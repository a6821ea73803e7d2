//! `chat`: a conversation in the terminal, or line by line through a pipe.
//!
//! `lines` reads what is said, `slash` the commands among it, `session` holds the conversation.

mod lines;
mod session;
mod slash;

use std::path::Path;

use clap::Args as ClapArgs;
use engine::EngineOptions;

use crate::exit::Usage;
use crate::flags::{AnswerFlags, CacheFlags, ModelFlags, TemplateFlags};
use crate::settings::Settings;
use crate::{exit, interrupt, loading, terminal};
use lines::{Input, Lines};
use session::Session;
use slash::Slash;

/// Talk with a model
///
/// Enter sends a line. A line that ends with \ goes on with the next one; text between """ and """ may have any number
/// of lines. Ctrl-C stops an answer; pressed twice at the prompt it ends the conversation, as /exit does.
#[derive(Debug, ClapArgs)]
#[command(allow_negative_numbers = true)]
#[command(after_help = "\
Examples:
  tramontane chat mistral-7b.gguf
  tramontane chat mistral-7b.gguf --system \"Answer in one sentence.\" --temperature 0.3 --stats
  printf 'Hello!\\nWhat did I just say?\\n' | tramontane chat mistral-7b.gguf")]
pub(crate) struct Args {
    /// A .gguf file or a folder [default: TRAMONTANE_MODEL, or brise, the model inside]
    model: Option<String>,
    #[command(flatten)]
    answer: AnswerFlags,
    /// `run` has it; here it is only refused with a word of explanation
    #[arg(long, hide = true, value_name = "FILE")]
    schema: Option<String>,
    /// As `schema`
    #[arg(long, hide = true, value_name = "PATTERN")]
    regex: Option<String>,
    /// As `schema`
    #[arg(long, hide = true, value_name = "FILE")]
    grammar: Option<String>,
    #[command(flatten)]
    template: TemplateFlags,
    #[command(flatten)]
    model_flags: ModelFlags,
    #[command(flatten)]
    cache: CacheFlags,
}

/// # Errors
/// The model cannot be loaded, or the terminal fails.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    if args.schema.is_some() || args.regex.is_some() || args.grammar.is_some() {
        return Err(Usage::error(
            "--schema, --regex and --grammar say what one answer looks like, and a conversation has many: use `run`",
        ));
    }
    let options = args.answer.options(settings)?;
    let template = args.template.version(settings)?;
    let loading = EngineOptions {
        template,
        prefix_cache_dir: args.cache.folder(settings)?,
        ..args.model_flags.options(settings)?
    };
    let engine = loading::load(args.model.as_deref(), loading, settings)?;
    let options = options.with(&args.answer, settings, engine.card())?;
    interrupt::install()?;
    let mut lines = Lines::new()?;
    let mut session = Session::new(&engine, options);
    if lines.is_interactive() {
        terminal::message(&session.greeting());
    }
    let mut leaving = false;
    loop {
        match lines.next()? {
            Input::End => break,
            Input::Interrupted if leaving => break,
            Input::Interrupted => {
                leaving = true;
                terminal::message("(Ctrl-C once more, or /exit, to leave)");
            }
            Input::Text(text) => {
                leaving = false;
                if !answer(&mut session, &text)? {
                    break;
                }
            }
        }
    }
    lines.finish();
    Ok(())
}

/// Obeys a command or answers a message; false when it is time to leave.
///
/// What goes wrong with one message is said and does not end the conversation; only a closed output does.
fn answer(session: &mut Session<'_>, text: &str) -> anyhow::Result<bool> {
    let command = match slash::parse(text) {
        None => return session.say(text).map(|()| true),
        Some(Err(problem)) => {
            terminal::error(&problem);
            return Ok(true);
        }
        Some(Ok(command)) => command,
    };
    match command {
        Slash::Help => terminal::message(&slash::help()),
        Slash::System(None) => terminal::message(&session.system()),
        Slash::System(Some(text)) => session.set_system(text),
        Slash::Reset => session.reset(),
        Slash::Save(path) => report(session.save(Path::new(path))),
        Slash::Load(path) => report(session.load(Path::new(path))),
        Slash::Stats => terminal::message(&session.stats()),
        Slash::Retry => return session.retry().map(|()| true),
        Slash::Undo => session.undo(),
        Slash::Exit => return Ok(false),
    }
    Ok(true)
}

fn report(result: anyhow::Result<String>) {
    match result {
        Ok(done) => terminal::message(&done),
        Err(error) => terminal::error(&exit::explain(&error)),
    }
}
