//! The handle of a loaded model.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use checkpoint::Checkpoint;
use compute::{CpuBackend, CpuOptions, KvLayout};
use grammar::Compiler;
use model::{Mix, Plan, Transformer};
use sched::{Limits, Scheduler};
use tokenizer::TokenId;

use crate::answer::Submission;
use crate::context::Context;
use crate::draft::Drafter;
use crate::embedding::{EmbedWatch, Embedding};
use crate::shelf::{Shelf, model_key};
use crate::status::{Places, StatusBoard};
use crate::worker::{Command, Worker};
use crate::{
    Bench, Cancel, EngineOptions, Error, EventSink, EventStream, ModelCard, Pooling, Prompt, Request, Speculation,
    Status, TextFront, card, limits, memory,
};

/// A model in memory and the thread that runs it. Dropping it ends both.
#[derive(Debug)]
pub struct Engine {
    worker: Worker,
    card: ModelCard,
    text: TextFront,
    board: StatusBoard,
    places: Places,
    speculation: Speculation,
    grammar: OnceLock<Result<Arc<Compiler>, grammar::Error>>,
}

impl Engine {
    /// Loads the model at `path`: a `.gguf` file, or a folder with safetensors.
    ///
    /// `progress` is told the bytes of weights read so far, and of how many.
    ///
    /// # Errors
    /// See [`Error`]: what cannot be run is refused before any weight is read.
    pub fn load(path: &Path, options: &EngineOptions, progress: &mut dyn FnMut(u64, u64)) -> Result<Self, Error> {
        Self::of(&Checkpoint::open(path)?, options, progress)
    }

    /// As [`Engine::load`], of files that are open already.
    ///
    /// # Errors
    /// As [`Engine::load`].
    pub fn of(
        checkpoint: &Checkpoint,
        options: &EngineOptions,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, Error> {
        let start = Instant::now();
        let text = TextFront::of(checkpoint, options.template)?;
        let backend = CpuBackend::new(CpuOptions { threads: options.threads, isa: options.isa.as_deref() })?;
        let plan = options.quantize.map(|mix| plan(checkpoint, mix)).transpose()?;
        let about = plan.as_ref().map_or_else(|| checkpoint.about.clone(), |plan| plan.about(checkpoint));
        let weights = model::memory_bytes(checkpoint, plan.as_ref());
        memory::check_padding(weights, checkpoint.weight_bytes())?;
        let kv_type = options.kv_type.unwrap_or_else(|| card::default_kv_type(&about));
        let layout = model::kv_layout(&checkpoint.config, kv_type);
        let context = Context::choose(&checkpoint.config, &layout, weights, options)?;
        let model = match &plan {
            Some(plan) => Transformer::load_as(checkpoint, plan, backend, progress)?,
            None => Transformer::load(checkpoint, backend, progress)?,
        };
        let kv = model.kv_pool(kv_type, context.blocks as usize)?;
        let card = ModelCard::new((checkpoint, about), &model, &text.template, (&context, kv_type), start.elapsed());
        let step_rows = options.chunk.map_or(limits::STEP_ROWS, |chunk| chunk.get().min(limits::LONGEST_CHUNK));
        let scheduler = Scheduler::new(Limits {
            step_rows,
            prefill_rows: limits::PREFILL_ROWS.min(step_rows),
            running: limits::RUNNING.min(step_rows),
            waiting: limits::PLACES,
            block_tokens: KvLayout::BLOCK_TOKENS,
            blocks: context.blocks,
        });
        let board = StatusBoard::default();
        // What there is, before the first step says how much of it is used.
        let (kv_blocks_total, kv_block_tokens) = (context.blocks as usize, KvLayout::BLOCK_TOKENS);
        board.write(Status { kv_blocks_total, kv_block_tokens, ..Status::default() });
        let shelf = shelf(checkpoint, options, &card, context.blocks)?;
        let tokenizer = text.tokenizer.as_ref().ok().cloned();
        let worker = Worker::start(model, kv, scheduler, tokenizer, (board.clone(), shelf))?;
        Ok(Self {
            worker,
            card,
            text,
            board,
            places: Places::default(),
            speculation: options.speculate,
            grammar: OnceLock::new(),
        })
    }

    /// What is loaded, and how it will run.
    pub fn card(&self) -> &ModelCard {
        &self.card
    }

    /// The tokenizer and the template of the model.
    pub fn text(&self) -> &TextFront {
        &self.text
    }

    /// Compiles what [`Request::constraint`] takes. The vocabulary is prepared with the first call, which takes up to a
    /// second; calls may block, compiling may take as long as [`grammar::limits::COMPILE_TIME`].
    ///
    /// # Errors
    /// The model has no tokenizer, or one that names no end token.
    pub fn grammar(&self) -> Result<&Arc<Compiler>, Error> {
        let tokenizer = self.text.tokenizer()?;
        let compiler = self.grammar.get_or_init(|| Compiler::new(tokenizer).map(Arc::new));
        Ok(compiler.as_ref().map_err(Clone::clone)?)
    }

    /// The tokens that a prompt comes to.
    ///
    /// # Errors
    /// The model lacks a tokenizer or a template that the prompt needs, or the messages do not make a conversation.
    pub fn render(&self, prompt: &Prompt) -> Result<Vec<TokenId>, Error> {
        match prompt {
            Prompt::Tokens(tokens) => Ok(tokens.clone()),
            Prompt::Text(text) => self.text.complete(text),
            Prompt::Conversation(conversation) => {
                Ok(self.text.template.render(self.text.tokenizer()?, conversation)?.tokens)
            }
        }
    }

    /// Queues a request. Its events arrive in the stream; dropping the stream cancels it.
    ///
    /// # Errors
    /// As [`Engine::submit_to`].
    pub fn submit(&self, request: Request) -> Result<EventStream, Error> {
        let (sender, events) = channel();
        let sink = move |event| match sender.send(event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let cancel = self.submit_to(request, Box::new(sink))?;
        Ok(EventStream::new(events, cancel))
    }

    /// Queues a request. `sink` hears its events on the engine's thread; dropping the answer cancels it. Never blocks.
    ///
    /// # Errors
    /// The prompt cannot be rendered or does not fit, a parameter is out of range, or too many requests wait already.
    pub fn submit_to(&self, request: Request, sink: EventSink) -> Result<Cancel, Error> {
        let place = self.places.take(limits::PLACES)?;
        let prompt = self.render(&request.prompt)?;
        self.check(&prompt, request.max_tokens.unwrap_or(1).min(1))?;
        let cancelled = Arc::new(AtomicBool::new(false));
        let room = self.card.context - prompt.len();
        let version = match &request.prompt {
            Prompt::Tokens(_) | Prompt::Text(_) => None,
            Prompt::Conversation(_) => self.text.template.version(),
        };
        let size = (room, self.card.config.vocab_size);
        let drafter = self.drafter(&request, &prompt)?;
        let submission =
            Submission::new(request, prompt, size, (version, drafter), (sink, Arc::clone(&cancelled)), place)?;
        self.worker.send(Command::Submit(Box::new(submission)))?;
        Ok(Cancel::new(cancelled))
    }

    /// What the engine is doing.
    pub fn status(&self) -> Status {
        self.board.read()
    }

    /// Whether its thread lives: it ends before the engine only by a defect, and then nothing is answered any more.
    pub fn is_alive(&self) -> bool {
        self.worker.is_alive()
    }

    /// The vectors of some texts, of length one: their hidden states behind the last norm, pooled
    /// ([`ModelCard::pooling`] is what the model's files ask for). Waits until all are there, beside other requests.
    /// All embeddings run on one account, and share nothing with each other or with answers.
    ///
    /// # Errors
    /// A text is empty, does not fit in the context, or has an id out of range; or too many requests wait already.
    pub fn embed(&self, inputs: &[Vec<TokenId>], pooling: Pooling) -> Result<Vec<Vec<f32>>, Error> {
        self.embed_watched(inputs, pooling, &EmbedWatch::default())?.ok_or(Error::WorkerGone)
    }

    /// As [`Engine::embed`], until `watch` ends it, which also counts the tokens that were computed. `None`: it was ended.
    ///
    /// # Errors
    /// As [`Engine::embed`].
    pub fn embed_watched(
        &self,
        inputs: &[Vec<TokenId>],
        pooling: Pooling,
        watch: &EmbedWatch,
    ) -> Result<Option<Vec<Vec<f32>>>, Error> {
        inputs.iter().try_for_each(|tokens| self.check(tokens, 0))?;
        let mut vectors = vec![Vec::new(); inputs.len()];
        for (group, inputs) in inputs.chunks(limits::EMBEDDINGS).enumerate() {
            if watch.is_cancelled() {
                return Ok(None);
            }
            let (reply, answers) = channel();
            for (index, tokens) in inputs.iter().enumerate() {
                let (place, reply) = (self.places.take(limits::PLACES)?, reply.clone());
                let index = group * limits::EMBEDDINGS + index;
                let embedding = Embedding::new(tokens.clone(), pooling, index, reply, (place, watch.clone()));
                self.worker.send(Command::Embed(Box::new(embedding)))?;
            }
            drop(reply);
            for _ in inputs {
                match answers.recv() {
                    Ok((index, vector)) => vectors[index] = vector?,
                    Err(_) if watch.is_cancelled() => return Ok(None),
                    Err(_) => return Err(Error::WorkerGone),
                }
            }
        }
        Ok(Some(vectors))
    }

    /// Runs `tokens` and calls `row` with the position and the logits of each, until it breaks off.
    ///
    /// # Errors
    /// A token id is out of range, or the text does not fit in the context.
    pub fn score(
        &self,
        tokens: &[TokenId],
        row: &mut dyn FnMut(usize, &[f32]) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        self.check(tokens, 0)?;
        let (reply, scored) = sync_channel(1);
        self.worker.send(Command::Score { tokens: tokens.to_vec(), reply })?;
        let mut rows = 0;
        for stretch in scored {
            let stretch = stretch?;
            for index in 0..stretch.logits.rows() {
                if row(stretch.first + index, stretch.logits.row(index)).is_break() {
                    return Ok(());
                }
            }
            rows += stretch.logits.rows();
        }
        if rows == tokens.len() { Ok(()) } else { Err(Error::WorkerGone) }
    }

    /// Takes the engine for measuring: see [`Bench`].
    ///
    /// # Errors
    /// The engine's thread has ended.
    pub fn bench(&self) -> Result<Bench<'_>, Error> {
        let (bench, desk) = Bench::new();
        self.worker.send(Command::Bench(desk))?;
        Ok(bench)
    }

    /// What guesses ahead for a request, where something does.
    fn drafter(&self, request: &Request, prompt: &[TokenId]) -> Result<Option<Drafter>, Error> {
        let mut prediction = match &request.prediction {
            Some(text) => self.text.tokenizer()?.encode(text),
            None => Vec::new(),
        };
        // What the model has no number for, and what is beyond the context, could never be said.
        let vocab = self.card.config.vocab_size;
        let known = prediction.iter().take_while(|token| token.index() < vocab).count();
        prediction.truncate(known.min(self.card.context));
        let default = self.speculation == Speculation::Ngram || !prediction.is_empty();
        Ok(request.speculate.unwrap_or(default).then(|| Drafter::new(prompt, &prediction)))
    }

    /// Ids in range, and room for them and `more` tokens.
    fn check(&self, tokens: &[TokenId], more: usize) -> Result<(), Error> {
        let vocab = self.card.config.vocab_size;
        if let Some(id) = tokens.iter().find(|t| t.index() >= vocab) {
            return Err(Error::TokenId { id: id.0, vocab });
        }
        if tokens.is_empty() {
            return Err(sched::Refused::Empty.into());
        }
        let context = self.card.context;
        if tokens.len() + more > context {
            let model_context = self.card.config.context_length;
            let advice = self.card.more_context.clone();
            return Err(Error::ContextLength { prompt_tokens: tokens.len(), context, model_context, advice });
        }
        Ok(())
    }
}

/// The prefix cache's folder, if there is to be one.
fn shelf(
    checkpoint: &Checkpoint,
    options: &EngineOptions,
    card: &ModelCard,
    blocks: u32,
) -> Result<Option<Shelf>, Error> {
    let Some(dir) = &options.prefix_cache_dir else { return Ok(None) };
    let arithmetic = format!("{} {:?} {:?}", card.numerics_id, card.kv_type, options.quantize.map(|mix| mix.name));
    let model = model_key(checkpoint, &arithmetic, card.threads)
        .map_err(|source| Error::PrefixCache { path: dir.path.clone(), source })?;
    let block_bytes = card.kv_bytes_per_token * KvLayout::BLOCK_TOKENS;
    Shelf::open(dir, model, block_bytes, blocks).map(Some)
}

fn plan(checkpoint: &Checkpoint, mix: Mix) -> Result<Plan<'_>, Error> {
    model::check_tensors(checkpoint)?;
    Ok(Plan::new(checkpoint, mix)?)
}
