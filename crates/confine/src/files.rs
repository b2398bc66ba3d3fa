//! Which files a process may open: Landlock. A file that is open already is not asked about again.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetStatus, Scope,
};

/// The newest Landlock whose meaning this program knows: 6 (Linux 6.12). What the kernel has of it is used.
const LANDLOCK: ABI = ABI::V6;

/// A folder, or a single file, that a process may still use.
#[derive(Debug, Clone, Copy)]
pub enum Folder<'p> {
    /// To read what is in it.
    Read(&'p Path),
    /// To read, write, make and remove what is in it.
    Write(&'p Path),
}

/// Blocks every file but those beneath these folders, which are there; every TCP port; and sockets with abstract names and signals to
/// other processes, as far as the kernel's Landlock goes. Says how far: [`FULL`](crate::FULL), or what is missing.
pub fn restrict_files(folders: &[Folder<'_>]) -> String {
    match restricted(folders) {
        Ok(RulesetStatus::FullyEnforced) => crate::FULL.to_owned(),
        Ok(RulesetStatus::PartiallyEnforced) => "partial, the kernel is older than 6.12".to_owned(),
        Ok(RulesetStatus::NotEnforced) => "none, the kernel has no Landlock".to_owned(),
        Err(error) => format!("none, {error}"),
    }
}

fn restricted(folders: &[Folder<'_>]) -> Result<RulesetStatus, Box<dyn std::error::Error>> {
    let read = AccessFs::from_read(LANDLOCK) & !AccessFs::Execute;
    let write = read | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::MakeDir;
    let write = write | AccessFs::RemoveFile | AccessFs::RemoveDir | AccessFs::Refer;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?;
    for folder in folders {
        let (path, access) = match folder {
            Folder::Read(path) => (path, read),
            Folder::Write(path) => (path, write),
        };
        // A single file takes no rights that only a folder has.
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(LANDLOCK) };
        rules = rules.add_rule(PathBeneath::new(PathFd::new(path)?, access))?;
    }
    Ok(rules.restrict_self()?.ruleset)
}
