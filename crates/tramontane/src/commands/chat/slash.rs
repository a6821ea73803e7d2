//! The commands of a conversation: lines that begin with `/`.

/// A command, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Slash<'a> {
    Help,
    /// Without text: show it.
    System(Option<&'a str>),
    Reset,
    Save(&'a str),
    Load(&'a str),
    Stats,
    Retry,
    Undo,
    Exit,
}

/// Name, argument, what it does.
const COMMANDS: [(&str, &str, &str); 9] = [
    ("/help", "", "this list"),
    ("/system", "[TEXT]", "show the system prompt, or set it; \"\" removes it"),
    ("/reset", "", "forget the conversation, keep the system prompt"),
    ("/save", "FILE", "write the conversation to a JSON file"),
    ("/load", "FILE", "go on with a saved conversation"),
    ("/retry", "", "answer the last message again, with the next seed"),
    ("/undo", "", "forget the last message and its answer"),
    ("/stats", "", "how long the last answer took, how full the context is"),
    ("/exit", "", "leave; so does Ctrl-D"),
];

/// `None`: the line is no command but a message. `Some(Err)`: it is one that cannot be obeyed, and why.
pub(super) fn parse(line: &str) -> Option<Result<Slash<'_>, String>> {
    if !line.starts_with('/') {
        return None;
    }
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    Some(command(name, argument.trim()))
}

/// The list for people.
pub(super) fn help() -> String {
    let line = |(name, argument, does): (&str, &str, &str)| format!("{:16}{does}\n", format!("{name} {argument}"));
    let list: String = COMMANDS.into_iter().map(line).collect();
    format!(
        "{list}A line that ends with \\ goes on with the next one; so does everything between \"\"\" and \"\"\".\n\
         Ctrl-C stops an answer. To send a line that begins with /, put a space before it."
    )
}

/// Names that begin with `start`, for completion.
pub(super) fn names(start: &str) -> Vec<&'static str> {
    COMMANDS.iter().map(|row| row.0).filter(|name| name.starts_with(start)).collect()
}

fn command<'a>(name: &str, argument: &'a str) -> Result<Slash<'a>, String> {
    let alone = |command| match argument {
        "" => Ok(command),
        _ => Err(format!("{name} takes nothing after it")),
    };
    let file = |command: fn(&'a str) -> Slash<'a>| match argument {
        "" => Err(format!("{name} needs the name of a file")),
        path => Ok(command(path)),
    };
    match name {
        "/help" | "/?" => alone(Slash::Help),
        "/system" => Ok(Slash::System(Some(argument).filter(|text| !text.is_empty()))),
        "/reset" => alone(Slash::Reset),
        "/save" => file(Slash::Save),
        "/load" => file(Slash::Load),
        "/stats" => alone(Slash::Stats),
        "/retry" => alone(Slash::Retry),
        "/undo" => alone(Slash::Undo),
        "/exit" | "/quit" | "/bye" => alone(Slash::Exit),
        _ => Err(format!("there is no command {name}; /help lists them, a space in front sends the line as it is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let problem = |line| parse(line).unwrap().unwrap_err();
        assert_eq!(parse("hello"), None);
        assert_eq!(parse(" /help"), None);
        assert_eq!(parse("/exit"), Some(Ok(Slash::Exit)));
        assert_eq!(parse("/system"), Some(Ok(Slash::System(None))));
        assert_eq!(parse("/system Be\nbrief. "), Some(Ok(Slash::System(Some("Be\nbrief.")))));
        assert_eq!(parse("/save  my chat.json"), Some(Ok(Slash::Save("my chat.json"))));
        assert_eq!(problem("/save"), "/save needs the name of a file");
        assert_eq!(problem("/reset now"), "/reset takes nothing after it");
        assert!(problem("/etc/hosts").starts_with("there is no command /etc/hosts"));
        assert_eq!(names("/s"), ["/system", "/save", "/stats"]);
    }
}
