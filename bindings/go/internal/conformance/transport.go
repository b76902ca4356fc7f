package main

import (
	"encoding/json"

	claude "claude-client/go"
)

// farSide answers like a CLI, in the same process.
type farSide struct{ sink *claude.Sink }

func (f *farSide) Connect(sink *claude.Sink) error {
	f.sink = sink
	if all.Transport.Do == "refuse" {
		return claude.ErrProcess
	}
	return nil
}

func (f *farSide) EndInput() error { return f.sink.End(claude.OK, 0, "") }
func (f *farSide) Close() error    { return nil }

func (f *farSide) Write(line []byte) error {
	var frame struct {
		Type      string
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(line, &frame); err != nil {
		return err
	}
	if frame.Type != "user" {
		return f.say(map[string]any{"type": "control_response",
			"response": map[string]any{"subtype": "success", "request_id": frame.RequestID, "response": map[string]any{}}})
	}
	said := []any{map[string]any{"type": "text", "text": all.Transport.Answer}}
	err := f.say(map[string]any{"type": "assistant", "message": map[string]any{"role": "assistant", "content": said}})
	if err != nil {
		return err
	}
	return f.say(map[string]any{"type": "result", "subtype": "success", "is_error": false, "result": "done"})
}

func (f *farSide) say(frame any) error {
	line, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	return f.sink.Push(append(line, '\n'))
}
