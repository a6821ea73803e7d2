//! The time that a template tells: given by the caller, since nothing on this floor looks at a clock.

use minijinja::{Error, ErrorKind};

/// A date and a time of day, in whatever time zone the caller lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Of the Gregorian calendar.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl Default for Moment {
    /// The first second of 2024: a time for tests, and for callers who want the same prompt every day.
    fn default() -> Self {
        Self { year: 2024, month: 1, day: 1, hour: 0, minute: 0, second: 0 }
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Moment {
    /// The moment this many seconds after the start of 1970.
    pub fn from_unix_seconds(seconds: u64) -> Self {
        let (days, time) = (seconds / 86_400, seconds % 86_400);
        // Howard Hinnant, "chrono-compatible low-level date algorithms": days are counted from 1 March of year 0, in
        // eras of 400 years.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let byte = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
        Self {
            year: u16::try_from(year).unwrap_or(u16::MAX),
            month: byte(month),
            day: byte(day_of_year - (153 * shifted_month + 2) / 5 + 1),
            hour: byte(time / 3_600),
            minute: byte(time / 60 % 60),
            second: byte(time % 60),
        }
    }

    /// As `strftime` prints it, in English.
    pub(super) fn format(self, format: &str) -> Result<String, Error> {
        let mut out = String::new();
        let mut directives = format.chars();
        while let Some(c) = directives.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let directive = directives.next();
            let (padded, directive) =
                if directive == Some('-') { (false, directives.next()) } else { (true, directive) };
            out.push_str(&self.field(directive, padded).ok_or_else(|| {
                let shown = directive.map_or_else(String::new, String::from);
                Error::new(ErrorKind::InvalidOperation, format!("strftime_now does not know %{shown}"))
            })?);
        }
        Ok(out)
    }

    fn field(self, directive: Option<char>, padded: bool) -> Option<String> {
        let two = |number: u8| if padded { format!("{number:02}") } else { number.to_string() };
        let month = MONTHS.get(usize::from(self.month).checked_sub(1)?)?;
        let day = DAYS.get(self.weekday())?;
        let hour = match self.hour % 12 {
            0 => 12,
            hour => hour,
        };
        let short = |name: &str| name.get(..3).map(str::to_owned);
        Some(match directive? {
            'Y' => self.year.to_string(),
            'y' => format!("{:02}", self.year % 100),
            'm' => two(self.month),
            'd' => two(self.day),
            'e' => format!("{:2}", self.day),
            'B' => (*month).to_owned(),
            'b' | 'h' => short(month)?,
            'A' => (*day).to_owned(),
            'a' => short(day)?,
            'H' => two(self.hour),
            'I' => two(hour),
            'M' => two(self.minute),
            'S' => two(self.second),
            'p' => if self.hour < 12 { "AM" } else { "PM" }.to_owned(),
            'F' => format!("{}-{:02}-{:02}", self.year, self.month, self.day),
            'T' => format!("{:02}:{:02}:{:02}", self.hour, self.minute, self.second),
            '%' => "%".to_owned(),
            _ => return None,
        })
    }

    /// 0 is Sunday (Tomohiko Sakamoto's method).
    fn weekday(self) -> usize {
        const SHIFTS: [usize; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = usize::from(self.year).saturating_sub(usize::from(self.month < 3));
        let shift = usize::from(self.month).checked_sub(1).and_then(|month| SHIFTS.get(month)).copied().unwrap_or(0);
        (year + year / 4 - year / 100 + year / 400 + shift + usize::from(self.day)) % 7
    }
}
