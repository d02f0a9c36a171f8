//! What Linux says of a process: when it began, and whether it has ended.

/// What `/proc` says of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProcessStat {
    /// When it was started, in ticks since the host was started.
    pub(crate) start: String,
    /// Whether it has ended, and only nobody has asked yet how.
    pub(crate) has_ended: bool,
}

impl ProcessStat {
    /// Reads it; `None` if there is no such process, or no `/proc`.
    pub(crate) fn read(pid: i32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name of the program stands in brackets and may hold anything, brackets too.
        let (_, fields) = text.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?;
        let start = fields.nth(18)?.to_owned();
        Some(Self { start, has_ended: matches!(state, "Z" | "X") })
    }
}

#[cfg(test)]
mod tests {
    use super::ProcessStat;

    fn line(name: &str, state: &str) -> String {
        format!("7 ({name}) {state} 1 7 7 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 815 2048000 300")
    }

    #[test]
    fn the_name_of_a_program_may_hold_anything() {
        for name in ["sh", "a b", "x) Z 1 2 (", ""] {
            let stat = ProcessStat::parse(&line(name, "S")).unwrap();
            assert_eq!(stat, ProcessStat { start: "815".to_owned(), has_ended: false }, "{name}");
        }
        assert!(ProcessStat::parse(&line("sh", "Z")).unwrap().has_ended);
        for no_stat in ["", "7 (sh", "7 (sh) S 1"] {
            assert_eq!(ProcessStat::parse(no_stat), None, "{no_stat}");
        }
    }

    #[test]
    fn this_process_is_there() {
        let own = i32::try_from(std::process::id()).unwrap();
        if cfg!(target_os = "linux") {
            assert!(!ProcessStat::read(own).unwrap().has_ended);
        }
        assert_eq!(ProcessStat::read(i32::MAX), None);
    }
}
