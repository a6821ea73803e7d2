//! A bare tokenizer file.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use crate::{Error, Tokenizer, limits};

impl Tokenizer {
    /// Opens a bare tokenizer file: `tekken.json`, or a SentencePiece model. Which it is shows in its content; only
    /// the template version of a SentencePiece model is taken from its name.
    ///
    /// # Errors
    /// The file cannot be read, is something else, is damaged, or asks for what is not done here.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self::from_file(&Self::read_file(path)?, &name)
    }

    /// The bytes of a bare tokenizer file, whatever they are.
    ///
    /// # Errors
    /// The file cannot be read, is no regular file, or longer than any tokenizer.
    pub fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
        let failed = |cause| Error::Read { file: path.display().to_string(), cause };
        // Looked at before it is opened: opening a pipe would wait for its other end.
        if !fs::metadata(path).map_err(failed)?.is_file() {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")));
        }
        let mut bytes = Vec::new();
        let file = fs::File::open(path).map_err(failed)?;
        file.take(limits::FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > limits::FILE_BYTES {
            return Err(Error::TooLarge { what: "bytes", limit: limits::FILE_BYTES });
        }
        Ok(bytes)
    }

    /// As [`Tokenizer::open`], of a file that is in memory.
    ///
    /// # Errors
    /// The file is something else, is damaged, or asks for what is not done here.
    pub fn from_file(bytes: &[u8], file_name: &str) -> Result<Self, Error> {
        if bytes.len() as u64 > limits::FILE_BYTES {
            return Err(Error::TooLarge { what: "bytes", limit: limits::FILE_BYTES });
        }
        let is_json = bytes.trim_ascii_start().first() == Some(&b'{');
        match bytes {
            _ if is_json && file_name == "tokenizer.json" => {
                Err(Error::not_a_tokenizer("a tokenizer.json of Hugging Face; give the tekken.json of the same model"))
            }
            _ if is_json => Self::from_tekken(bytes),
            [b'G', b'G', b'U', b'F', ..] => Err(Error::not_a_tokenizer("a GGUF file; open it as a model")),
            // A list of pieces, which every model begins with.
            [0x0a, ..] => Self::from_spm(bytes, file_name),
            _ => Err(Error::not_a_tokenizer("neither a tekken.json nor a SentencePiece model")),
        }
    }
}
