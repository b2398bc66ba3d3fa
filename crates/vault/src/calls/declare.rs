//! How a declared call becomes a request, its bytes, a method that asks and a method that answers.
//!
//! A request is the number of its subject, the number of the call in its subject, and the arguments. Both ends are one
//! program, so the numbers are the places in the lists.

/// The calls of one subject; `calls.rs` says how to write one.
macro_rules! calls {
    (
        $subject:ident for $handle:ident;
        $(
            $(#[$doc:meta])*
            $reach:ident fn $call:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $answer:ty)? $(, $manner:ident)?;
        )*
    ) => {
        /// What the vault's process does for these calls. An argument is as the asker gave it.
        pub trait Calls {
            $(
                $(#[$doc])*
                fn $call(&self, $($arg: $ty),*) -> Result<calls!(@answer $($answer)?), VaultError>;
            )*
        }

        /// The number of each call.
        #[allow(non_camel_case_types, reason = "each has the name of its call")]
        enum Number {
            $($call,)*
        }

        impl $crate::transport::Link {
            $(
                calls! { @ask [$subject $($manner)?] $call [$($arg: $ty),*] [$($answer)?] }
            )*
        }

        impl $crate::$handle {
            $(
                calls! { @handle $reach [$(#[$doc])*] $call [$($arg: $ty),*] [$($answer)?] }
            )*
        }

        /// Whether a call must not hold up others.
        pub(super) fn is_slow(number: u8) -> bool {
            [$((Number::$call as u8, calls!(@slow $($manner)?))),*].contains(&(number, true))
        }

        /// Does what a request asks; a frame with its answer. `None` when it is not one of these requests.
        #[allow(unused_mut, reason = "calls without arguments read none")]
        pub(super) fn answer(
            calls: &impl Calls,
            number: u8,
            mut rest: $crate::encode::Decoder<'_>,
        ) -> Option<zeroize::Zeroizing<Vec<u8>>> {
            $(
                if number == Number::$call as u8 {
                    $(
                        let mut $arg = Some($crate::wire::Wire::take(&mut rest)?);
                    )*
                    rest.end()?;
                    let answer = calls.$call($(<$ty as $crate::wire::Argument<'_>>::lend(&mut $arg)?),*);
                    return Some($crate::wire::to_frame(&answer));
                }
            )*
            None
        }
    };

    (@answer) => { () };
    (@answer $answer:ty) => { $answer };

    (@slow slow) => { true };
    (@slow $($other:ident)?) => { false };

    (@ask [$subject:ident tell] $call:ident [$($arg:ident: $ty:ty),*] [$($answer:ty)?]) => {
        #[allow(missing_docs, reason = "the call has them")]
        pub fn $call(&self, $($arg: $ty),*) {
            self.tell(calls!(@request $subject $call [$($arg: $ty),*]));
        }
    };
    (@ask [$subject:ident soon] $call:ident [$($arg:ident: $ty:ty),*] [$($answer:ty)?]) => {
        #[allow(missing_docs, reason = "the call has them")]
        pub fn $call(&self, $($arg: $ty),*) -> $crate::transport::Asked<calls!(@answer $($answer)?)> {
            self.begin(calls!(@request $subject $call [$($arg: $ty),*]))
        }
    };
    (@ask [$subject:ident $(slow)?] $call:ident [$($arg:ident: $ty:ty),*] [$($answer:ty)?]) => {
        #[allow(missing_docs, reason = "the call has them")]
        pub fn $call(&self, $($arg: $ty),*) -> Result<calls!(@answer $($answer)?), VaultError> {
            self.ask(calls!(@request $subject $call [$($arg: $ty),*]))
        }
    };

    (@request $subject:ident $call:ident [$($arg:ident: $ty:ty),*]) => {{
        #[allow(unused_mut, reason = "a call without arguments writes none")]
        let mut request = $crate::wire::Out::framed();
        request.bytes(&[super::Subject::$subject as u8, Number::$call as u8]);
        $(
            <$ty as $crate::wire::Argument<'_>>::write(&$arg, &mut request);
        )*
        request.finish()
    }};

    (@handle raw $($rest:tt)*) => {};
    (@handle pub [$(#[$doc:meta])*] $call:ident [$($arg:ident: $ty:ty),*] [$($answer:ty)?]) => {
        $(#[$doc])*
        pub fn $call(&self, $($arg: $ty),*) -> Result<calls!(@answer $($answer)?), VaultError> {
            self.link.$call($($arg),*)
        }
    };
}
pub(super) use calls;

/// The subjects, and who answers their calls.
macro_rules! subjects {
    (locked: $($locked:ident),*; unlocked: $($unlocked:ident),*;) => {
        $(pub mod $locked;)*
        $(pub mod $unlocked;)*

        /// The number of each subject.
        #[allow(non_camel_case_types, reason = "each has the name of its subject")]
        pub(crate) enum Subject {
            $($locked,)*
            $($unlocked,)*
        }

        /// A vault that may be locked: what answers every call.
        pub trait Server: $($locked::Calls +)* {
            /// Who answers once it is unlocked.
            type Keeper: $($unlocked::Calls +)*;

            /// Who holds the secrets.
            ///
            /// # Errors
            /// [`VaultError::Locked`].
            fn keeper(&self) -> Result<Arc<Self::Keeper>, VaultError>;
        }

        /// Whether a request is of a call that must not hold up others.
        pub fn is_slow(request: &[u8]) -> bool {
            let [subject, call, ..] = request else { return false };
            $(if *subject == Subject::$locked as u8 { return $locked::is_slow(*call); })*
            $(if *subject == Subject::$unlocked as u8 { return $unlocked::is_slow(*call); })*
            false
        }

        /// Does what a request asks; a frame with its answer, whose head is not filled in. Anything else is
        /// answered with [`VaultError::Garbled`].
        pub fn answer(server: &impl Server, request: &[u8]) -> Zeroizing<Vec<u8>> {
            let answered = || {
                let mut rest = Decoder::new(&[], request)?;
                let (subject, call) = (rest.u8()?, rest.u8()?);
                $(if subject == Subject::$locked as u8 { return $locked::answer(server, call, rest); })*
                $(if subject == Subject::$unlocked as u8 {
                    return match server.keeper() {
                        Ok(keeper) => $unlocked::answer(&*keeper, call, rest),
                        Err(error) => Some(refusal(error)),
                    };
                })*
                None
            };
            answered().unwrap_or_else(|| refusal(VaultError::Garbled))
        }
    };
}
pub(super) use subjects;
