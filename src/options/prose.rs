//! Text about an option that only the reference uses. A library built without the feature `internals` contains none of it.

#[cfg(feature = "internals")]
mod kept {
    #[derive(Debug, Clone, Copy)]
    pub struct Prose {
        pub doc: &'static str,
        /// What happens without the option.
        pub default: &'static str,
        /// The name in the official SDK for Python, empty where there is none.
        pub python: &'static str,
        /// What it is used for, if it stays in this library.
        pub stays: &'static str,
    }

    impl Prose {
        pub const fn new(doc: &'static str) -> Prose {
            Prose { doc, default: "not set", python: "", stays: "" }
        }

        pub const fn default(self, default: &'static str) -> Prose {
            Prose { default, ..self }
        }

        pub const fn python(self, python: &'static str) -> Prose {
            Prose { python, ..self }
        }

        pub const fn stays(self, stays: &'static str) -> Prose {
            Prose { stays, ..self }
        }
    }
}

#[cfg(not(feature = "internals"))]
mod kept {
    #[derive(Debug, Clone, Copy)]
    pub struct Prose;

    impl Prose {
        pub const fn new(_doc: &'static str) -> Prose {
            Prose
        }

        pub const fn default(self, _default: &'static str) -> Prose {
            self
        }

        pub const fn python(self, _python: &'static str) -> Prose {
            self
        }

        pub const fn stays(self, _stays: &'static str) -> Prose {
            self
        }
    }
}

pub use kept::Prose;
