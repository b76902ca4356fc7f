package claude

// #include "shim.h"
import "C"

import (
	"encoding/json"
	"iter"
)

// Sessions lists the sessions on the disk, newest first; options as docs/sessions.md has them, or nil.
func Sessions(options Options) (json.RawMessage, error) {
	document, err := optionsText(options)
	if err != nil {
		return nil, err
	}
	defer freeText(document)
	return text(func(out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_sessions_list(document, out, e)
	})
}

// SessionInfo describes a session.
func SessionInfo(id string, options Options) (json.RawMessage, error) {
	return ofSession(id, options, func(id, options *C.char, out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_info(id, options, out, e)
	})
}

// SessionMessages reads a conversation, oldest message first.
func SessionMessages(id string, options Options) iter.Seq2[Message, error] {
	return readMessages(id, options, func(id, options *C.char, reader C.uintptr_t, e **C.claude_error_t) C.claude_status_t {
		return C.go_session_messages(id, options, reader, e)
	})
}

// SessionSubagentMessages reads the conversation of a subagent, by its agent_id.
func SessionSubagentMessages(id, agentID string, options Options) iter.Seq2[Message, error] {
	return readMessages(id, options, func(id, options *C.char, reader C.uintptr_t, e **C.claude_error_t) C.claude_status_t {
		cagent := cText(agentID)
		defer freeText(cagent)
		return C.go_session_subagent_messages(id, cagent, options, reader, e)
	})
}

func readMessages(id string, options Options, read func(id, options *C.char, reader C.uintptr_t, e **C.claude_error_t) C.claude_status_t) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		reader := &sessionReader{yield: yield}
		number := readers.add(reader)
		defer readers.remove(number)
		_, err := ofSession(id, options, func(id, options *C.char, _ **C.char, e **C.claude_error_t) C.claude_status_t {
			return read(id, options, C.uintptr_t(number), e)
		})
		if reader.panicked != nil {
			panic(reader.panicked) // of the loop's body: it goes on where it came from
		}
		if err != nil && !reader.stopped {
			yield(Message{}, err)
		}
	}
}

// SessionSubagents lists the subagents of a session.
func SessionSubagents(id string, options Options) (json.RawMessage, error) {
	return ofSession(id, options, func(id, options *C.char, out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_subagents(id, options, out, e)
	})
}

// SessionRename gives a session a title.
func SessionRename(id, title string, options Options) error {
	ctitle := cText(title)
	defer freeText(ctitle)
	_, err := ofSession(id, options, func(id, options *C.char, _ **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_rename(id, ctitle, options, e)
	})
	return err
}

// SessionTag gives a session a tag; an empty one takes it away.
func SessionTag(id, tag string, options Options) error {
	ctag := optional(tag)
	defer freeText(ctag)
	_, err := ofSession(id, options, func(id, options *C.char, _ **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_tag(id, ctag, options, e)
	})
	return err
}

// SessionArchive puts a session into the archive, or takes it out.
func SessionArchive(id string, archived bool, options Options) error {
	_, err := ofSession(id, options, func(id, options *C.char, _ **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_archive(id, C.bool(archived), options, e)
	})
	return err
}

// SessionDelete removes a session from the disk.
func SessionDelete(id string, options Options) error {
	_, err := ofSession(id, options, func(id, options *C.char, _ **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_delete(id, options, e)
	})
	return err
}

// SessionFork copies a session under a new id.
func SessionFork(id string, options Options) (json.RawMessage, error) {
	return ofSession(id, options, func(id, options *C.char, out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_fork(id, options, out, e)
	})
}

// SessionProjectKey names the folder below projects/ in which the CLI keeps the sessions of a working folder.
func SessionProjectKey(directory string) (string, error) {
	cdirectory := cText(directory)
	defer freeText(cdirectory)
	key, err := text(func(out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_project_key(cdirectory, out, e)
	})
	return string(key), err
}

func optionsText(options Options) (*C.char, error) {
	if options == nil {
		return nil, nil
	}
	return cJSON(options)
}

func ofSession(id string, options Options, call func(id, options *C.char, out **C.char, e **C.claude_error_t) C.claude_status_t) (json.RawMessage, error) {
	document, err := optionsText(options)
	if err != nil {
		return nil, err
	}
	defer freeText(document)
	cid := cText(id)
	defer freeText(cid)
	return text(func(out **C.char, e **C.claude_error_t) C.claude_status_t { return call(cid, document, out, e) })
}
