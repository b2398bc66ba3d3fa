//! `law …`: deciding, checking, comparing, signing and printing the law.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use operations::counsel::{SignedOver, make_counsel_key, open_counsel_key, sign_law, what_is_signed};
use operations::law::{
    AdoptLaw, CompareLaw, ConfirmRule, DecideWhatIf, ExplainDecision, LawError, LawName, ReplayDecision, files_of,
};
use operations::law_files::{
    LawRendered, check_law, compare_files, days_of_law, decide_at_home, explain_file, put, replay_file,
};
use pages::law::{LawSite, Medium};
use rules::LawSet;
use terms::CaseId;

use super::cases::demand_text;
use super::choice::NodeChoice;
use super::client::{absolute, ask_and_print, new_passphrase, print, say, secret};
use super::error::CliError;
use super::show::{desk as show_desk, law as show};

/// `law`
#[derive(Debug, Args)]
pub(crate) struct LawArgs {
    #[command(subcommand)]
    pub command: LawCommand,
}

/// `law …`
#[derive(Debug, Subcommand)]
pub(crate) enum LawCommand {
    /// Decide the demand in FILE as of a day without opening a case (a what-if)
    Decide {
        /// The demand as TOML (docs/law.md)
        file: PathBuf,
        /// The day, YYYY-MM-DD
        #[arg(long, value_name = "DAY")]
        on: Option<String>,
        /// Decide without a node: for the home whose facts are in FILE, under the built-in law set
        #[arg(long, value_name = "FILE")]
        home: Option<PathBuf>,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Print the proof tree of a case: rules applied, rules defeated and by what, facts used, facts missing
    Explain {
        /// The number of a case at the node, or a case file of a law set
        case: String,
        /// For a case file: the directory of its law set; the set around it if omitted
        #[arg(long, value_name = "DIR")]
        law: Option<PathBuf>,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Decide a case again with its original law set and with today's, and show the difference
    Replay {
        /// The number of a case at the node, or a case file of a law set
        case: String,
        /// For a case file: the directory of its law set; the set around it if omitted
        #[arg(long, value_name = "DIR")]
        law: Option<PathBuf>,
        /// For a case file: the directory of the current set; the built-in one if omitted
        #[arg(long, value_name = "DIR")]
        with: Option<PathBuf>,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Show what a new law set changes: rules, case files that both have, recorded cases of a node
    Diff {
        /// A directory, or the digest of a set that the node has used
        old: String,
        /// The same
        new: String,
        /// For two directories: also compare the recorded cases of the node. With a digest this is always done
        #[arg(long)]
        recorded: bool,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Put the law set in DIR into use at the node; its cases must pass and counsel must have signed it
    Adopt {
        /// The directory
        dir: PathBuf,
        /// Counsel's signature, as `law sign` writes it
        #[arg(long, value_name = "FILE")]
        signature: PathBuf,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Confirm a rule with counsel's signature, so that decisions may rest on it
    Confirm {
        /// The signature, as `law sign RULE` writes it
        signature: PathBuf,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Create counsel's key; asks for a passphrase and prints the public key for node.toml
    CounselKey {
        /// The new file
        file: PathBuf,
        /// Counsel's name in signatures, e.g. counsel.example
        #[arg(long)]
        name: String,
    },
    /// Sign a law set, or one rule of it; asks for the passphrase of counsel's key
    Sign(LawSignArgs),
    /// List rule changes that no case would catch: a removed rule, or a different first or last day
    Days {
        /// A directory with a law set; the built-in one if omitted
        #[arg(long, value_name = "DIR")]
        law: Option<PathBuf>,
        /// Write a case for each into the rule's `cases` folder under --law, where another case has suitable facts
        #[arg(long, requires = "law")]
        write: bool,
        /// Print the result as one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the law as HTML pages for counsel: by instrument, State and day, each rule with its source and cases
    Render {
        /// The directory to write to; start reading at its index.html
        dir: PathBuf,
        /// A directory with a law set; the built-in one if omitted
        #[arg(long, value_name = "DIR")]
        law: Option<PathBuf>,
        /// Print the result as one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Run every case of the law set; report what no case reaches and what contradicts
    Check {
        /// A directory with a law set; the built-in one if omitted
        #[arg(long, value_name = "DIR")]
        law: Option<PathBuf>,
        /// Print the result as one line of JSON
        #[arg(long)]
        json: bool,
    },
}

/// `law sign`
#[derive(Debug, Args)]
pub(crate) struct LawSignArgs {
    /// The rule; the whole set if omitted
    pub rule: Option<String>,
    /// The directory of the set; the built-in one if omitted
    #[arg(long, value_name = "DIR")]
    pub law: Option<PathBuf>,
    /// Counsel's key, as `law counsel-key` creates it
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Where to write the signature
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `law …`
pub(crate) fn command(args: LawArgs) -> Result<ExitCode, CliError> {
    match args.command {
        LawCommand::Decide { file, on, home: Some(home), node } => {
            let decided = decide_at_home(&demand_text(&file)?, on.as_deref(), &home)?;
            print(node.json, &decided, show_desk::what_if)?;
            Ok(ExitCode::SUCCESS)
        }
        LawCommand::Decide { file, on, home: None, node } => {
            ask_and_print(&node, DecideWhatIf { text: demand_text(&file)?, on }, show_desk::what_if)
        }
        LawCommand::Check { law, json } => {
            let checked = check_law(law.as_deref())?;
            print(json, &checked, show::checked)?;
            Ok(if checked.passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        LawCommand::Explain { case, law, node } => explain(&case, law.as_deref(), &node),
        LawCommand::Replay { case, law, with, node } => replay(&case, law.as_deref(), with.as_deref(), &node),
        LawCommand::Diff { old, new, recorded, node } => diff(&old, &new, recorded, &node),
        LawCommand::Adopt { dir, signature, node } => {
            let adopt = AdoptLaw { files: files_of(Some(&dir))?, note: note(&signature)? };
            ask_and_print(&node, adopt, show_desk::adopted)
        }
        LawCommand::Confirm { signature, node } => {
            ask_and_print(&node, ConfirmRule { note: note(&signature)? }, show_desk::confirmed)
        }
        LawCommand::CounselKey { file, name } => counsel_key(&file, &name),
        LawCommand::Sign(args) => sign(&args),
        LawCommand::Render { dir, law, json } => render(&dir, law.as_deref(), json),
        LawCommand::Days { law, write, json } => {
            let days = days_of_law(law.as_deref(), write)?;
            print(json, &days, show::days)?;
            Ok(if days.unheld.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

/// The proof tree: of a case's decision at a node, or of what the set makes of a case file.
fn explain(case: &str, law: Option<&Path>, node: &NodeChoice) -> Result<ExitCode, CliError> {
    if let Ok(case) = case.parse() {
        return ask_and_print(node, ExplainDecision { case: CaseId(case) }, show_desk::explained);
    }
    for explained in explain_file(Path::new(case), law)? {
        print(node.json, &explained, show::explained)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The same facts under the set of the day and under today's.
fn replay(case: &str, law: Option<&Path>, with: Option<&Path>, node: &NodeChoice) -> Result<ExitCode, CliError> {
    if let Ok(case) = case.parse() {
        return ask_and_print(node, ReplayDecision { case: CaseId(case) }, show_desk::replayed);
    }
    for replayed in replay_file(Path::new(case), law, with)? {
        print(node.json, &replayed, show::replayed)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a new set changes: in rules and case files where both are directories, in recorded cases at a node.
fn diff(old: &str, new: &str, recorded: bool, node: &NodeChoice) -> Result<ExitCode, CliError> {
    let (old, new) = (named(old)?, named(new)?);
    if let (LawName::Files(old), LawName::Files(new)) = (&old, &new) {
        print(node.json, &compare_files(old, new)?, show::compared)?;
        if !recorded {
            return Ok(ExitCode::SUCCESS);
        }
    }
    ask_and_print(node, CompareLaw { old, new }, show_desk::compared)
}

/// A directory, or the digest of a set that the node has used
fn named(name: &str) -> Result<LawName, CliError> {
    if Path::new(name).is_dir() {
        Ok(LawName::Files(files_of(Some(Path::new(name)))?))
    } else if name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(LawName::Digest(name.to_owned()))
    } else {
        Err(CliError::Law(format!("{name}: no such directory, and not the digest of a law set either")))
    }
}

fn note(file: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(file).map_err(CliError::at(file))
}

/// Makes counsel's key, sealed by a passphrase, and prints the public key.
fn counsel_key(file: &Path, name: &str) -> Result<ExitCode, CliError> {
    let file = absolute(file)?;
    let made = make_counsel_key(&file, name, || new_passphrase(&format!("Passphrase for the key of {name}")))?;
    say(show::counsel_key(&made));
    Ok(ExitCode::SUCCESS)
}

/// Signs a whole set, or one rule as it stands.
fn sign(args: &LawSignArgs) -> Result<ExitCode, CliError> {
    let over: SignedOver = what_is_signed(args.law.as_deref(), args.rule.as_deref())?;
    say(show::signed_over(&over));
    let passphrase = secret(&format!("Passphrase for {}", args.key.display()))?;
    let key = open_counsel_key(&args.key, &passphrase.0)?;
    sign_law(&over, &key, &args.out)?;
    say(format_args!("signed by {} in {}", key.name(), args.out.display()));
    Ok(ExitCode::SUCCESS)
}

/// Writes the law as pages into `into`, over what older pages there are.
fn render(into: &Path, law: Option<&Path>, json: bool) -> Result<ExitCode, CliError> {
    let files = files_of(law)?;
    let set = LawSet::load(&files).map_err(|errors| CliError::Law(errors.to_string()))?;
    // Where made-up facts begin matters to the form alone, and files have none.
    let home = "IE".parse().map_err(|error| CliError::Law(format!("{error}")))?;
    let site = LawSite::new(set, &files, home, "Europe/Dublin".to_owned());
    let site = site.map_err(|errors| CliError::Law(errors.to_string()))?;
    let paths = site.paths();
    for path in &paths {
        let page = site.page(path, Medium::File).ok_or_else(|| LawError::NoPage(path.to_string()))?;
        put(&into.join(path), &page.text)?;
    }
    let (files, law, index) = (paths.len() as u64, site.digest().to_string(), into.join("index.html"));
    print(json, &LawRendered { law, files, index }, show::rendered)?;
    Ok(ExitCode::SUCCESS)
}
