//! `tokenize`: what a model reads, token by token.

use std::io::{BufWriter, Write, stdout};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use engine::prompt::Conversation;
use engine::{TemplateVersion, TextFront, TokenId, Tokenizer};
use serde_json::json;

use crate::flags::TemplateFlags;
use crate::model_source::ModelSource;
use crate::settings::Settings;
use crate::{commands, terminal};

/// Show the tokens of a text or of a conversation
///
/// Without TEXT, standard input is read. Nothing in a text is taken for a control token.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane tokenize mistral-7b.gguf \"Hello, world\" --json
  tramontane tokenize tekken.json --no-bos < README.md
  echo '{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}' | tramontane tokenize tekken.json --chat -")]
pub(crate) struct Args {
    /// A .gguf file, a folder, or a bare tokenizer file (tekken.json, tokenizer.model)
    model: String,
    /// The text
    text: Option<String>,
    /// Leave the begin token out
    #[arg(long)]
    no_bos: bool,
    /// Render {"messages", "tools", …} through the instruct template first; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "no_bos"])]
    chat: Option<PathBuf>,
    /// Print one JSON object: tokens, pieces
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    template: TemplateFlags,
}

/// # Errors
/// There is no tokenizer, or the conversation cannot be rendered.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let source = ModelSource::find(Some(&args.model), settings)?;
    let front = front(&source, args.template.version(settings)?).with_context(|| source.to_string())?;
    let tokenizer = front.tokenizer()?;
    let tokens = match &args.chat {
        Some(file) => {
            let text = commands::read_file(file)?;
            let conversation = Conversation::from_json(&text).with_context(|| commands::input_name(file))?;
            front.template.render(tokenizer, &conversation)?.tokens
        }
        None => encode(args, &front)?,
    };
    print(args, tokenizer, &tokens)
}

/// A path may also be that of a bare tokenizer file.
fn front(source: &ModelSource, asked: Option<TemplateVersion>) -> Result<TextFront, engine::Error> {
    match source {
        ModelSource::Embedded => TextFront::of(&source.open()?, asked),
        ModelSource::Files(path) => TextFront::open(path, asked),
    }
}

fn encode(args: &Args, front: &TextFront) -> anyhow::Result<Vec<TokenId>> {
    let text = args.text.clone().map_or_else(commands::read_stdin, Ok)?;
    Ok(if args.no_bos { front.tokenizer()?.encode(&text) } else { front.complete(&text)? })
}

fn print(args: &Args, tokenizer: &Tokenizer, tokens: &[TokenId]) -> anyhow::Result<()> {
    let pieces = tokens.iter().map(|&token| tokenizer.piece(token));
    if args.json {
        let ids: Vec<u32> = tokens.iter().map(|token| token.0).collect();
        return commands::print_json(&json!({ "tokens": ids, "pieces": pieces.collect::<Vec<_>>() }));
    }
    let mut out = BufWriter::new(stdout().lock());
    for (token, piece) in tokens.iter().zip(pieces) {
        // Quoted, so that spaces and line feeds can be seen.
        writeln!(out, "{:>7}  {}", token.0, terminal::for_stdout(&format!("{piece:?}")))?;
    }
    Ok(out.flush()?)
}
