//! What gives the CLI credentials.

pub const REMEDY: &str = "give a key or a token that is valid with the option env (ANTHROPIC_API_KEY, \
                          CLAUDE_CODE_OAUTH_TOKEN), or run claude and /login in a terminal";
