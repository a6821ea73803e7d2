//! Keys values, typed as the file types them.

/// Type of a metadata value, by its number in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Kind {
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
}

impl Kind {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 13] = {
        use Kind::*;
        [U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64]
    };

    /// The kind with this number.
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u32 == number)
    }

    /// Bytes of a value; `None` for strings and arrays, whose size varies.
    pub const fn bytes(self) -> Option<usize> {
        match self {
            Self::U8 | Self::I8 | Self::Bool => Some(1),
            Self::U16 | Self::I16 => Some(2),
            Self::U32 | Self::I32 | Self::F32 => Some(4),
            Self::U64 | Self::I64 | Self::F64 => Some(8),
            Self::String | Self::Array => None,
        }
    }
}

/// A metadata value.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // the names say it
pub enum Value {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    String(String),
    Array(Array),
    U64(u64),
    I64(i64),
    F64(f64),
}

impl Value {
    /// Its type.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::U8(_) => Kind::U8,
            Self::I8(_) => Kind::I8,
            Self::U16(_) => Kind::U16,
            Self::I16(_) => Kind::I16,
            Self::U32(_) => Kind::U32,
            Self::I32(_) => Kind::I32,
            Self::F32(_) => Kind::F32,
            Self::Bool(_) => Kind::Bool,
            Self::String(_) => Kind::String,
            Self::Array(_) => Kind::Array,
            Self::U64(_) => Kind::U64,
            Self::I64(_) => Kind::I64,
            Self::F64(_) => Kind::F64,
        }
    }

    /// As a whole number, from any of the integer types.
    pub fn integer(&self) -> Option<i128> {
        Some(match self {
            Self::U8(x) => (*x).into(),
            Self::I8(x) => (*x).into(),
            Self::U16(x) => (*x).into(),
            Self::I16(x) => (*x).into(),
            Self::U32(x) => (*x).into(),
            Self::I32(x) => (*x).into(),
            Self::U64(x) => (*x).into(),
            Self::I64(x) => (*x).into(),
            _ => return None,
        })
    }

    /// As a number, from any of the numeric types.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::F32(x) => Some((*x).into()),
            Self::F64(x) => Some(*x),
            other => other.integer().map(|x| x as f64),
        }
    }

    /// As text.
    pub fn text(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// As a yes or no.
    pub fn flag(&self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(*flag) } else { None }
    }

    /// As an array.
    pub fn array(&self) -> Option<&Array> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    /// One value of a fixed-size kind from its little-endian bytes; `None` where kind and length do not fit.
    pub(crate) fn from_bytes(kind: Kind, bytes: &[u8]) -> Option<Self> {
        Some(match kind {
            Kind::U8 => Self::U8(u8::from_le_bytes(bytes.try_into().ok()?)),
            Kind::I8 => Self::I8(i8::from_le_bytes(bytes.try_into().ok()?)),
            Kind::U16 => Self::U16(u16::from_le_bytes(bytes.try_into().ok()?)),
            Kind::I16 => Self::I16(i16::from_le_bytes(bytes.try_into().ok()?)),
            Kind::U32 => Self::U32(u32::from_le_bytes(bytes.try_into().ok()?)),
            Kind::I32 => Self::I32(i32::from_le_bytes(bytes.try_into().ok()?)),
            Kind::F32 => Self::F32(f32::from_le_bytes(bytes.try_into().ok()?)),
            Kind::Bool => Self::Bool(u8::from_le_bytes(bytes.try_into().ok()?) != 0),
            Kind::U64 => Self::U64(u64::from_le_bytes(bytes.try_into().ok()?)),
            Kind::I64 => Self::I64(i64::from_le_bytes(bytes.try_into().ok()?)),
            Kind::F64 => Self::F64(f64::from_le_bytes(bytes.try_into().ok()?)),
            Kind::String | Kind::Array => return None,
        })
    }
}

/// An array of one kind. Kept as the file keeps it, so that it costs no more memory than its bytes in the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Numbers or flags, little-endian.
    Numbers {
        /// Kind of each.
        kind: Kind,
        /// All of them, one behind the other.
        bytes: Vec<u8>,
    },
    /// Strings.
    Strings(Strings),
}

impl Array {
    /// Of 32-bit floats.
    pub fn of_f32(values: &[f32]) -> Self {
        Self::Numbers { kind: Kind::F32, bytes: values.iter().flat_map(|x| x.to_le_bytes()).collect() }
    }

    /// Of 32-bit integers.
    pub fn of_i32(values: &[i32]) -> Self {
        Self::Numbers { kind: Kind::I32, bytes: values.iter().flat_map(|x| x.to_le_bytes()).collect() }
    }

    /// Of flags.
    pub fn of_bool(values: &[bool]) -> Self {
        Self::Numbers { kind: Kind::Bool, bytes: values.iter().map(|x| u8::from(*x)).collect() }
    }

    /// Of strings.
    pub fn of_strings<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> Self {
        Self::Strings(values.into_iter().collect())
    }

    /// Kind of its elements.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Numbers { kind, .. } => *kind,
            Self::Strings(_) => Kind::String,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers { kind, bytes } => bytes.len() / kind.bytes().unwrap_or(1),
            Self::Strings(strings) => strings.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers, one by one; nothing where it holds strings.
    pub fn values(&self) -> impl Iterator<Item = Value> {
        let (kind, bytes) = match self {
            Self::Numbers { kind, bytes } => (*kind, bytes.as_slice()),
            Self::Strings(_) => (Kind::U8, [].as_slice()),
        };
        bytes.chunks_exact(kind.bytes().unwrap_or(1)).filter_map(move |chunk| Value::from_bytes(kind, chunk))
    }

    /// The strings, where it holds strings.
    pub fn strings(&self) -> Option<&Strings> {
        if let Self::Strings(strings) = self { Some(strings) } else { None }
    }
}

/// Many strings in one piece of memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    text: String,
    /// Where each ends in `text`.
    ends: Vec<usize>,
}

impl Strings {
    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The string at `index`.
    pub fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.text.get(start..end)
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }
}

impl<S: AsRef<str>> FromIterator<S> for Strings {
    fn from_iter<I: IntoIterator<Item = S>>(items: I) -> Self {
        let mut strings = Self::default();
        items.into_iter().for_each(|item| strings.push(item.as_ref()));
        strings
    }
}

/// Keys and values, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keys {
    entries: Vec<(String, Value)>,
}

impl Keys {
    /// The value of a key.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// Text of a key, where it has text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.value(key)?.text()
    }

    /// In the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sets a key, in place where it is there already, at the end where not.
    pub fn set(&mut self, key: &str, value: Value) {
        match self.entries.iter_mut().find(|(k, _)| k == key) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((key.to_owned(), value)),
        }
    }

    /// For the parser, which looks for duplicates itself.
    pub(crate) fn push(&mut self, key: String, value: Value) {
        self.entries.push((key, value));
    }
}
