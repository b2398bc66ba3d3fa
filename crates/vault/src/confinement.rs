//! What the vault's process has given up.

use crate::wire::wire_struct;

/// What holds for the vault's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    /// Landlock: no file but those of the vault's own folder. The words say how far: `full`, `partial`, or why not.
    pub files: String,
    /// A list of the system calls that are needed; no other is answered, none of them makes a socket or a program.
    pub system_calls: bool,
    /// No core dump, and no process of the same user may look into its memory.
    pub no_core: bool,
    /// No program that it might start could gain a privilege.
    pub no_new_privileges: bool,
    /// Its memory is not written to swap. The words say `all`, or why not.
    pub locked_memory: String,
}
wire_struct!(Confinement { files, system_calls, no_core, no_new_privileges, locked_memory });

impl Confinement {
    /// Landlock has all that was asked for.
    pub const FULL: &str = "full";
    /// All memory is locked.
    pub const ALL: &str = "all";

    /// What does not hold, in plain words; nothing when all does.
    pub fn lacks(&self) -> Vec<String> {
        let mut lacks = Vec::new();
        if self.files != Self::FULL {
            lacks.push(format!("files outside the vault's folder are not fully blocked (Landlock: {})", self.files));
        }
        if !self.system_calls {
            lacks.push("system calls are not restricted (seccomp is not known for this processor)".to_owned());
        }
        if self.locked_memory != Self::ALL {
            lacks.push(format!("keys may be written to swap (locked memory: {})", self.locked_memory));
        }
        lacks
    }
}
