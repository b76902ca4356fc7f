package claude

// #include "shim.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
	"unsafe"
)

// Error is its name: a Status is an error by itself, so that errors.Is(err, claude.ErrCLINotFound) works.
func (s Status) Error() string { return C.GoString(C.claude_status_name(C.int32_t(s))) }

// Error is a failure with all that is known of it: docs/errors.md. errors.Is finds its Status.
type Error struct {
	Status     Status          `json:"-"`
	Message    string          `json:"message"`
	Remedy     string          `json:"remedy"`
	Phase      string          `json:"phase"`
	Pointer    string          `json:"pointer"`
	Stderr     string          `json:"stderr"`
	ExitCode   *int            `json:"exit_code"`
	CLIPath    string          `json:"cli_path"`
	CLIVersion string          `json:"cli_version"`
	Document   json.RawMessage `json:"-"` // all members
}

func (e *Error) Error() string {
	if e.Message == "" {
		return e.Status.Error()
	}
	return e.Message
}

// Unwrap gives the Status.
func (e *Error) Unwrap() error { return e.Status }

// PanicError is a panic of a function that was given to a client. What it was asked is refused; Next and Ask return it.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // where
}

func (e *PanicError) Error() string { return fmt.Sprint(e.Value) }

// Unwrap gives the value of the panic if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

func newError(status Status, document []byte) error {
	if status == OK {
		return nil
	}
	e := &Error{Document: document}
	_ = json.Unmarshal(document, e) // an end without a cause has no document
	e.Status = status
	return e
}

func refusal(message string) error {
	document, _ := json.Marshal(map[string]string{"message": message})
	return newError(ErrInvalidArgument, document)
}

// check makes a Go error of the result of a call, and frees what came with it. It takes the address, since Go does not say whether
// e or the call is evaluated first.
func check(status C.claude_status_t, e **C.claude_error_t) error {
	if status == C.CLAUDE_OK {
		return nil
	}
	defer C.claude_error_free(*e)
	return newError(Status(status), []byte(C.GoString(C.claude_error_json(*e))))
}

// cText copies a text for C. A NUL inside would cut it short: a byte that is no UTF-8 stands there, which the library refuses.
func cText(text string) *C.char { return C.CString(strings.ReplaceAll(text, "\x00", "\xff")) }

// optional is NULL for an empty text.
func optional(text string) *C.char {
	if text == "" {
		return nil
	}
	return cText(text)
}

func cJSON(value any) (*C.char, error) {
	if raw, ok := value.(json.RawMessage); ok {
		return cText(string(raw)), nil
	}
	document, err := json.Marshal(value)
	return cText(string(document)), err
}

func freeText(text *C.char) { C.free(unsafe.Pointer(text)) }

// take copies a text that the library gave, and frees it.
func take(text *C.char) string {
	defer C.claude_string_free(text)
	return C.GoString(text)
}

func milliseconds(duration time.Duration) C.uint32_t {
	ms := duration.Milliseconds()
	if ms >= math.MaxUint32 {
		return C.CLAUDE_WAIT_FOREVER
	}
	return C.uint32_t(max(ms, 0))
}
