//! @defgroup json JSON
//! Enough for programs without a JSON library. A `pointer` is RFC 6901, such as "/message/content/0/text"; "" is the
//! whole. CLAUDE_ERR_JSON_DECODE: the text is not JSON. CLAUDE_ERR_NOT_FOUND: nothing is at that place. See
//! docs/strings.md.
