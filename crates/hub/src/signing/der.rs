//! The few fields of an X.509 certificate that the chain's checker does not hand out (RFC 5280, section 4.1).

/// What is read of a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// From when on it is valid, in seconds since 1970.
    pub(super) not_before: u64,
    /// Its key may sign: the bit `digitalSignature` of the extension KeyUsage.
    pub(super) may_sign: bool,
    /// It is for signing code: the purpose `codeSigning` of the extension ExtendedKeyUsage.
    pub(super) signs_code: bool,
}

const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
/// 1.3.6.1.5.5.7.3.3.
pub(super) const CODE_SIGNING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x03];

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// The fields of a certificate in DER; `None` where it is none.
pub(super) fn fields(certificate: &[u8]) -> Option<Fields> {
    let mut outer = Reader(certificate).take(SEQUENCE)?;
    let mut body = outer.take(SEQUENCE)?;
    body.take(VERSION);
    body.take(INTEGER)?;
    // The signature's algorithm, then the issuer.
    body.take(SEQUENCE)?;
    body.take(SEQUENCE)?;
    let mut validity = body.take(SEQUENCE)?;
    let mut fields = Fields { not_before: time(&mut validity)?, ..Fields::default() };
    while let Some((tag, content)) = body.next() {
        if tag == EXTENSIONS {
            extensions(Reader(content).take(SEQUENCE)?, &mut fields)?;
        }
    }
    Some(fields)
}

fn extensions(mut list: Reader<'_>, fields: &mut Fields) -> Option<()> {
    while let Some(mut extension) = list.take(SEQUENCE) {
        let Reader(id) = extension.take(OID)?;
        extension.take(BOOLEAN);
        let mut value = extension.take(OCTET_STRING)?;
        if id == KEY_USAGE {
            let Reader(bits) = value.take(BIT_STRING)?;
            // The first byte counts unused bits; the first bit is digitalSignature.
            fields.may_sign = bits.get(1).is_some_and(|byte| byte & 0x80 != 0);
        } else if id == EXTENDED_KEY_USAGE {
            let mut purposes = value.take(SEQUENCE)?;
            while let Some(Reader(purpose)) = purposes.take(OID) {
                fields.signs_code |= purpose == CODE_SIGNING;
            }
        }
    }
    Some(())
}

/// The rest of an encoded value.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next element's content, if it has this tag; otherwise nothing is consumed.
    fn take(&mut self, tag: u8) -> Option<Reader<'a>> {
        let before = self.0;
        match self.next() {
            Some((found, content)) if found == tag => Some(Reader(content)),
            _ => {
                self.0 = before;
                None
            }
        }
    }

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if bytes.is_empty() || bytes.len() > 4 {
                return None;
            }
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

/// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ`, in seconds since 1970; `None` before it.
fn time(validity: &mut Reader<'_>) -> Option<u64> {
    let (tag, text) = validity.next()?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let number = |text: &str| text.parse::<u64>().ok();
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year = number(year)?;
            // RFC 5280, 4.1.2.5.1.
            (if year < 50 { year.checked_add(2000)? } else { year.checked_add(1900)? }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (number(year)?, rest)
        }
        _ => return None,
    };
    let pair = |at: usize| rest.get(at..at.checked_add(2)?).and_then(number);
    let (month, day, hour, minute, second) = (pair(0)?, pair(2)?, pair(4)?, pair(6)?, pair(8)?);
    if rest.len() != 10 || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    let seconds = (hour * 60 + minute) * 60 + second.min(60);
    days(year, month, day)?.checked_mul(86_400)?.checked_add(seconds)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; the year is taken to begin in March, so that leap days come last.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month > 2 { year } else { year.checked_sub(1)? };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let all = 365 * year + year / 4 - year / 100 + year / 400 + of_year;
    all.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let rows = [
            (UTC_TIME, "700101000000Z", Some(0)),
            (UTC_TIME, "260721120000Z", Some(1_784_635_200)),
            (GENERALIZED_TIME, "20000229235959Z", Some(951_868_799)),
            (GENERALIZED_TIME, "19691231235959Z", None),
            (UTC_TIME, "261321120000Z", None),
            (UTC_TIME, "2607211200Z", None),
            (UTC_TIME, "26072112000é", None),
        ];
        for (tag, text, seconds) in rows {
            let der: Vec<u8> = [tag, text.len() as u8].into_iter().chain(text.bytes()).collect();
            assert_eq!(time(&mut Reader(&der)), seconds, "{text}");
        }
    }

    #[test]
    fn no_prefix_of_anything_panics() {
        let mut random = testkit::Random::new(5);
        for length in 0..300 {
            let mut bytes = random.bytes(length);
            bytes.iter_mut().step_by(3).for_each(|byte| *byte = SEQUENCE);
            assert_eq!(fields(&bytes), None);
        }
    }
}
