package claude

import (
	"encoding/json"
	"strings"
)

// Options are those of docs/options.md.
type Options map[string]any

// Message is a line of the CLI, untouched, or an event of the library.
type Message struct {
	Kind Kind
	JSON json.RawMessage // plain text for KindTextDelta and KindStderr
}

type content struct {
	IsError bool            `json:"is_error"`
	Result  string          `json:"result"`
	Errors  []string        `json:"errors"`
	Subtype string          `json:"subtype"`
	State   string          `json:"state"`
	Command string          `json:"command_uuid"`
	Prompts []string        `json:"prompts"`
	Message json.RawMessage `json:"message"`
}

func (m Message) content() (read content) {
	_ = json.Unmarshal(m.JSON, &read)
	return read
}

// Text is what a user reads of it: the text of an assistant or a user, the result, a streamed piece. Empty for all else.
func (m Message) Text() string {
	switch m.Kind {
	case KindTextDelta, KindStderr:
		return string(m.JSON)
	case KindResult:
		read := m.content()
		if read.Result == "" {
			return strings.Join(read.Errors, "\n")
		}
		return read.Result
	case KindAssistant, KindUser:
		return textOf(m.content().Message)
	}
	return ""
}

func textOf(message json.RawMessage) string {
	var plain struct {
		Content string `json:"content"`
	}
	if json.Unmarshal(message, &plain) == nil {
		return plain.Content
	}
	var blocks struct {
		Content []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"content"`
	}
	_ = json.Unmarshal(message, &blocks)
	var text strings.Builder
	for _, block := range blocks.Content {
		if block.Type == "text" {
			text.WriteString(block.Text)
		}
	}
	return text.String()
}

// Subtype says how a result ended, such as "success".
func (m Message) Subtype() string { return m.content().Subtype }

// endsTurnOf says whether the turn of a prompt is over.
func (m Message) endsTurnOf(prompt string) bool {
	switch m.Kind {
	case KindTurnEnded:
		for _, each := range m.content().Prompts {
			if each == prompt {
				return true
			}
		}
	case KindCommandLifecycle:
		read := m.content()
		return read.Command == prompt && read.State == "cancelled"
	}
	return false
}
