package claude

// #include <claude_client.h>
import "C"

import (
	"encoding/json"
	"errors"
	"sync"
	"unsafe"
)

// sessionReader gets the messages of a session on the disk. No panic goes on into the library.
type sessionReader struct {
	yield    func(Message, error) bool
	stopped  bool
	panicked any
}

func (r *sessionReader) message(message Message) {
	if r.stopped {
		return
	}
	defer func() {
		if value := recover(); value != nil {
			r.stopped, r.panicked = true, value
		}
	}()
	r.stopped = !r.yield(message, nil)
}

// table holds what C knows by a number.
type table[T any] struct {
	mu  sync.Mutex
	all map[uintptr]T
}

func (t *table[T]) add(value T) uintptr {
	number := freshNumber()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[uintptr]T{}
	}
	t.all[number] = value
	return number
}

func (t *table[T]) get(number uintptr) T {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[number]
}

func (t *table[T]) remove(number uintptr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, number)
}

var (
	readers    table[*sessionReader]
	logs       table[func(LogLevel, string)]
	transports table[*held]
	stores     table[*heldStore]
)

// held is a transport and the client that is told of its panics.
type held struct {
	transport Transport
	client    *Client
}

// run runs a part of it at the border: no panic goes on into the library.
func (h *held) run(part func(Transport) error) (status C.int32_t) {
	if h == nil {
		return C.int32_t(ErrClosed)
	}
	defer func() {
		if value := recover(); value != nil {
			h.client.keepPanic(value)
			h.client.messages.wake()
			status = C.int32_t(ErrCLIConnection)
		}
	}()
	err := part(h.transport)
	var known Status
	switch {
	case err == nil:
		return C.int32_t(OK)
	case errors.As(err, &known):
		return C.int32_t(known)
	default:
		return C.int32_t(ErrCLIConnection)
	}
}

//export goSessionMessage
func goSessionMessage(kind C.int32_t, text *C.char, length C.size_t, number C.uintptr_t) {
	if reader := readers.get(uintptr(number)); reader != nil {
		reader.message(Message{Kind(kind), bytesOf(text, length)})
	}
}

//export goLog
func goLog(level C.int32_t, text *C.char, length C.size_t, number C.uintptr_t) {
	defer func() { _ = recover() }() // a log has no caller
	if function := logs.get(uintptr(number)); function != nil {
		function(LogLevel(level), C.GoStringN(text, C.int(length)))
	}
}

//export goForget
func goForget(number C.uintptr_t) {
	logs.remove(uintptr(number))
	transports.remove(uintptr(number))
	if held := stores.get(uintptr(number)); held != nil {
		stores.remove(uintptr(number))
		held.stop()
	}
}

//export goStoreAsk
func goStoreAsk(call *C.claude_store_call_t, function C.int, key, entries *C.char, number C.uintptr_t) {
	held := stores.get(uintptr(number))
	if held == nil {
		C.claude_store_call_free(call)
		return
	}
	go held.ask(call, function, C.GoString(key), json.RawMessage(C.GoString(entries)))
}

//export goTransportConnect
func goTransportConnect(sink *C.claude_sink_t, number C.uintptr_t) C.int32_t {
	return transports.get(uintptr(number)).run(func(t Transport) error { return t.Connect(newSink(unsafe.Pointer(sink))) })
}

//export goTransportWrite
func goTransportWrite(bytes unsafe.Pointer, length C.size_t, number C.uintptr_t) C.int32_t {
	return transports.get(uintptr(number)).run(func(t Transport) error { return t.Write(C.GoBytes(bytes, C.int(length))) })
}

//export goTransportEndInput
func goTransportEndInput(number C.uintptr_t) C.int32_t {
	return transports.get(uintptr(number)).run(Transport.EndInput)
}

//export goTransportClose
func goTransportClose(number C.uintptr_t) C.int32_t {
	return transports.get(uintptr(number)).run(Transport.Close)
}

//export goTransportIsReady
func goTransportIsReady(number C.uintptr_t) C.int32_t {
	return transports.get(uintptr(number)).run(func(t Transport) error {
		waits, ok := t.(interface{ IsReady() (bool, error) })
		if !ok {
			return nil
		}
		ready, err := waits.IsReady()
		if err == nil && !ready {
			return ErrWouldBlock
		}
		return err
	})
}

//export goTransportOnRoom
func goTransportOnRoom(number C.uintptr_t) {
	transports.get(uintptr(number)).run(func(t Transport) error {
		if told, ok := t.(interface{ OnRoom() }); ok {
			told.OnRoom()
		}
		return nil
	})
}
