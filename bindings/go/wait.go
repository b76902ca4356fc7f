package claude

// #include "shim.h"
import "C"

import (
	"context"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// lane is one of the two ways through a client. Whoever waits for it waits in Go's network poller, so it costs no thread.
type lane struct {
	client *C.claude_client_t
	lanes  C.claude_lanes_t
	file   *os.File // readable while something is queued
	raw    syscall.RawConn
}

// event is what was pulled.
type event struct {
	kind        Kind
	status      Status
	requestKind RequestKind
	id          uint64
	number      uintptr
	json        []byte
	request     *C.claude_request_t
	call        *C.claude_tool_call_t
}

func newLane(client *C.claude_client_t, lanes C.claude_lanes_t) (*lane, error) {
	var handle C.intptr_t
	var e *C.claude_error_t
	if err := check(C.claude_client_ready_handle(client, lanes, &handle, &e), &e); err != nil {
		return nil, err
	}
	// The handle is the library's: the poller gets a descriptor of its own.
	descriptor, _, failed := syscall.Syscall(syscall.SYS_FCNTL, uintptr(handle), syscall.F_DUPFD_CLOEXEC, 0)
	if failed != 0 {
		return nil, os.NewSyscallError("fcntl", failed)
	}
	file := os.NewFile(descriptor, "claude-client")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, err
	}
	return &lane{client, lanes, file, raw}, nil
}

// poll pulls what is queued; ErrTimeout: nothing is.
func (l *lane) poll() (event, Status) {
	var got C.go_event_t
	status := Status(C.go_next(l.client, l.lanes, &got))
	if status != OK {
		return event{}, status
	}
	defer C.claude_event_free(got.event)
	return event{
		kind: Kind(got.kind), status: Status(got.status), requestKind: RequestKind(got.request_kind), id: uint64(got.id),
		number: uintptr(got.user_data), json: bytesOf(got.json, got.len), request: got.request, call: got.call,
	}, OK
}

func bytesOf(text *C.char, length C.size_t) []byte {
	return C.GoBytes(unsafe.Pointer(text), C.int(length))
}

// next waits for an event. ErrCancelled: the context ended, or wake was called.
func (l *lane) next(ctx context.Context) (event, Status) {
	got, status := l.poll()
	if status != ErrTimeout {
		return got, status
	}
	if ctx.Done() != nil {
		woken := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			l.wake()
			close(woken)
		})
		defer func() {
			if !stop() {
				<-woken
				l.rest()
			}
		}()
	}
	err := l.raw.Read(func(uintptr) bool {
		got, status = l.poll()
		return status != ErrTimeout
	})
	if err != nil && status == ErrTimeout {
		l.rest()
		return event{}, ErrCancelled
	}
	return got, status
}

// wake ends a wait of next; where none waits, the next one.
func (l *lane) wake() { _ = l.file.SetReadDeadline(time.Unix(1, 0)) }

// rest lets next wait again.
func (l *lane) rest() { _ = l.file.SetReadDeadline(time.Time{}) }

func (l *lane) close() { _ = l.file.Close() }
