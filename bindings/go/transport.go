package claude

// #include "shim.h"
import "C"

import "unsafe"

// Transport is a CLI somewhere else: docs/remote.md. The library calls it on threads of its own; Close also beside the others. An
// error ends the session, and so does a panic, which comes out of Next and Ask.
//
// With IsReady() (bool, error) it is asked after Connect until it is true; with OnRoom() it is told when Sink.HasRoom was false and
// there is room again.
type Transport interface {
	Connect(sink *Sink) error // makes the far side ready, and keeps the sink
	Write(line []byte) error  // a line for the CLI, with its newline
	EndInput() error          // behind all lines
	Close() error             // ends the far side; nothing is called after it
}

// Sink takes what the CLI says.
type Sink struct{ handle *C.claude_sink_t }

func newSink(handle unsafe.Pointer) *Sink { return &Sink{(*C.claude_sink_t)(handle)} }

// Push takes bytes, cut anywhere. ErrWouldBlock: there is no room.
func (s *Sink) Push(bytes []byte) error {
	var e *C.claude_error_t
	return check(C.claude_sink_push(s.handle, unsafe.Pointer(unsafe.SliceData(bytes)), C.size_t(len(bytes)), &e), &e)
}

// HasRoom says whether to read on from the CLI.
func (s *Sink) HasRoom() bool { return bool(C.claude_sink_has_room(s.handle)) }

// End says that the CLI's output has ended; an exit code of -1 is not known.
func (s *Sink) End(status Status, exitCode int, message string) error {
	cmessage := optional(message)
	defer freeText(cmessage)
	var e *C.claude_error_t
	return check(C.claude_sink_end(s.handle, C.claude_status_t(status), C.int32_t(exitCode), cmessage, &e), &e)
}

// SetTransport takes a transport in place of a child process. Before connecting.
func (c *Client) SetTransport(transport Transport) error {
	var e *C.claude_error_t
	number := transports.add(&held{transport, c})
	return check(C.go_set_transport(c.handle, C.uintptr_t(number), &e), &e)
}

// OnLog registers who gets the lines of the library's log up to a level, on any thread; nil takes that away. A panic there is dropped.
func OnLog(most LogLevel, function func(LogLevel, string)) error {
	var e *C.claude_error_t
	if function == nil {
		return check(C.claude_runtime_on_log(C.CLAUDE_LOG_OFF, nil, nil, nil, &e), &e)
	}
	return check(C.go_on_log(C.claude_log_level_t(most), C.uintptr_t(logs.add(function)), &e), &e)
}
