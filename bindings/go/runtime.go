package claude

// #include "shim.h"
import "C"

import (
	"encoding/json"
	"time"
)

// RuntimeConfig is what a process may set for the library; zero is the default.
type RuntimeConfig struct {
	StackSize     uint   // bytes of stack of each library thread
	ThreadName    string // first part of the threads' names
	WorkerThreads uint32 // threads that move bytes
	NoGuardian    bool   // no guardian process, which ends the CLIs when this process is killed
}

// Configure sets it. Before the first client connects, or behind Shutdown.
func Configure(config RuntimeConfig) error {
	cname := optional(config.ThreadName)
	defer freeText(cname)
	var e *C.claude_error_t
	return check(C.go_configure(C.size_t(config.StackSize), cname, C.uint32_t(config.WorkerThreads), C.bool(config.NoGuardian), &e), &e)
}

// Shutdown closes every session of the process and ends every thread of the library.
func Shutdown(timeout time.Duration) error {
	var e *C.claude_error_t
	return check(C.claude_runtime_shutdown(milliseconds(timeout), &e), &e)
}

// RuntimeStats counts what is alive.
func RuntimeStats() (json.RawMessage, error) {
	return text(func(out **C.char, e **C.claude_error_t) C.claude_status_t { return C.claude_runtime_stats(out, e) })
}

// Probe says which CLI a client with these options would start, and what stands in the way.
func Probe(options Options, timeout time.Duration) (json.RawMessage, error) {
	document, err := optionsText(options)
	if err != nil {
		return nil, err
	}
	defer freeText(document)
	return text(func(out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_probe(document, milliseconds(timeout), out, e)
	})
}

// Version is that of the library.
func Version() string { return C.GoString(C.claude_version()) }

// ABIVersion is that of the library that is loaded.
func ABIVersion() uint32 { return uint32(C.claude_abi_version()) }

// BuildInfo says how the library was built, and for which CLI.
func BuildInfo() json.RawMessage { return json.RawMessage(C.GoString(C.claude_build_info_json())) }
