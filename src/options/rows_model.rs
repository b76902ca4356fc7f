//! Options of the model and of the prompt.

use super::row::{Row, To, host_row, row};
use super::rules;
use super::shape::{Shape, may, must};

const DISPLAY: Shape = Shape::Word(&["summarized", "omitted"]);

const SYSTEM_PROMPT: Shape = Shape::Either(&[
    Shape::Text,
    Shape::List(&Shape::Text),
    Shape::Tagged(&[
        ("custom", &[must("prompt", Shape::Text), may("snapshot", Shape::Bool)]),
        ("file", &[must("path", Shape::Name)]),
        (
            "preset",
            &[
                must("preset", Shape::Word(&["claude_code"])),
                may("append", Shape::Text),
                may("exclude_dynamic_sections", Shape::Bool),
                may("snapshot", Shape::Bool),
            ],
        ),
    ]),
]);

const THINKING: Shape = Shape::Tagged(&[
    ("adaptive", &[may("display", DISPLAY)]),
    ("enabled", &[must("budget_tokens", Shape::Int(0, u64::MAX)), may("display", DISPLAY)]),
    ("disabled", &[]),
]);

const OUTPUT_FORMAT: Shape = Shape::Tagged(&[("json_schema", &[must("schema", Shape::Object)])]);

const MODELS: Shape =
    Shape::Either(&[Shape::Text, Shape::Ruled(&Shape::List(&Shape::Name), rules::no_commas)]);

pub const ROWS: &[Row] = &[
    row(
        "system_prompt",
        SYSTEM_PROMPT,
        To::Custom("initialize `systemPrompt`, `appendSystemPrompt`, `excludeDynamicSections`, `systemPromptSnapshot`; `--system-prompt-file` for a file"),
        "The system prompt. A list of texts is sent as separate blocks; the element \
         `__SYSTEM_PROMPT_DYNAMIC_BOUNDARY__` ends the part that can be cached. Without this option the prompt is \
         empty, which is not the CLI's own prompt: ask for that one with \
         `{\"type\": \"preset\", \"preset\": \"claude_code\"}`.",
    )
    .both("systemPrompt")
    .default("an empty prompt"),
    row("model", Shape::Text, To::FlagUnlessEmpty("--model"), "An alias such as `opus`, or a model's full name.")
        .both("model")
        .default("the CLI's choice"),
    row(
        "fallback_model",
        MODELS,
        To::FlagUnlessEmpty("--fallback-model"),
        "The model, or the models in their order, to use while the main one is busy or unavailable. Not the main one.",
    )
    .both("fallbackModel"),
    row(
        "betas",
        Shape::Ruled(&Shape::List(&Shape::Name), rules::no_commas),
        To::FlagUnlessEmpty("--betas"),
        "Beta headers for API key users, such as `context-1m-2025-08-07`.",
    )
    .both("betas")
    .default("none"),
    row(
        "max_turns",
        Shape::Int(0, u32::MAX as u64),
        To::Custom("`--max-turns=N`"),
        "The run ends after this many turns of the model; 0 stands for no limit.",
    )
    .both("maxTurns")
    .default("no limit"),
    row(
        "max_budget_usd",
        Shape::Positive,
        To::Flag("--max-budget-usd"),
        "The run ends when the CLI's own cost figure reaches this amount.",
    )
    .both("maxBudgetUsd")
    .default("no limit"),
    row(
        "task_budget",
        Shape::Closed(&[must("total", Shape::Int(1, u64::MAX))]),
        To::Custom("`--task-budget=N`"),
        "Tokens that the model is told to plan with.",
    )
    .both("taskBudget"),
    row(
        "thinking",
        THINKING,
        To::Custom("`--thinking=…` or `--max-thinking-tokens=N`, and `--thinking-display=…`"),
        "Extended thinking: `adaptive`, `enabled` with a budget, or `disabled`.",
    )
    .both("thinking")
    .default("the CLI's choice"),
    row(
        "max_thinking_tokens",
        Shape::Int(0, u64::MAX),
        To::Custom("`--max-thinking-tokens=N`"),
        "The older form of `thinking`, ignored when that is given; 0 switches thinking off.",
    )
    .both("maxThinkingTokens"),
    row("effort", Shape::Word(&["low", "medium", "high", "xhigh", "max"]), To::Flag("--effort"), "Effort of the model.")
        .both("effort")
        .default("the CLI's choice"),
    row(
        "output_format",
        OUTPUT_FORMAT,
        To::Custom("initialize `jsonSchema`"),
        "A JSON schema for the answer: `result.structured_output` then holds a value of that form.",
    )
    .both("outputFormat"),
    row(
        "plan_mode_instructions",
        Shape::Text,
        To::Initialize("planModeInstructions"),
        "Text that replaces the CLI's instructions for plan mode.",
    )
    .typescript("planModeInstructions"),
    row(
        "include_partial_messages",
        Shape::Bool,
        To::Switch("--include-partial-messages"),
        "Also deliver `stream_event` messages while the model writes.",
    )
    .both("includePartialMessages")
    .default("false"),
    row(
        "prompt_suggestions",
        Shape::Bool,
        To::InitializeIfTrue("promptSuggestions"),
        "After each turn, deliver a `prompt_suggestion` message with a likely next prompt.",
    )
    .typescript("promptSuggestions")
    .default("false"),
    host_row(
        "verbatim_prompts",
        Shape::Bool,
        "`client_composed` on every user message",
        "Prompts are sent as they are: no `@path` expansion, no slash commands.",
    )
    .both("verbatimPrompts")
    .default("false")
    .since("2.1.248"),
];
