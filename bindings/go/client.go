// Package claude holds live conversations with Claude Code.
//
// A Client is used from any goroutine. An idle one costs a goroutine and no thread. Messages are pulled when they are read, so that
// a reader that stops holds up the CLI and not the memory; requests are answered meanwhile, each on a goroutine of its own.
package claude

// #include "shim.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

var lastNumber atomic.Uint64

func freshNumber() uintptr { return uintptr(lastNumber.Add(1)) }

type ended struct {
	json []byte
	err  error
}

// Client is one conversation with one CLI.
type Client struct {
	handle   *C.claude_client_t
	requests *lane
	messages *lane
	context  context.Context // of everything that is asked
	stop     context.CancelFunc
	over     chan struct{} // requests bring nothing more
	handlers sync.WaitGroup
	reading  chan struct{} // taken by the one who reads messages
	closing  sync.Once

	mu         sync.Mutex
	began      bool
	operations map[uintptr]func(ended)
	asked      map[asked]context.CancelFunc
	permission RequestFunc
	request    RequestFunc
	named      map[uintptr]RequestFunc
	servers    []*Server
	answering  bool
	abandoned  string // the prompt whose answer nobody reads any more
	panicked   *PanicError
	cause      error // of the end
}

// asked names what the CLI waits for.
type asked struct {
	tool bool
	id   uint64
}

// New makes a client, which Connect starts. Nothing runs until then, but it must be closed all the same.
func New(options Options) (*Client, error) {
	all := Options{}
	for name, value := range options {
		all[name] = value
	}
	all["turn_events"] = true // by which Ask finds the end of its turn
	document, err := cJSON(all)
	if err != nil {
		return nil, err
	}
	defer freeText(document)
	c := &Client{
		over: make(chan struct{}), reading: make(chan struct{}, 1), operations: map[uintptr]func(ended){},
		asked: map[asked]context.CancelFunc{}, named: map[uintptr]RequestFunc{},
	}
	var e *C.claude_error_t
	if err := check(C.claude_client_create(document, &c.handle, &e), &e); err != nil {
		return nil, err
	}
	if err := c.prepare(); err != nil {
		C.claude_client_free(c.handle)
		return nil, err
	}
	c.context, c.stop = context.WithCancel(context.Background())
	return c, nil
}

func (c *Client) prepare() error {
	var e *C.claude_error_t
	if err := check(C.claude_client_set_dispatch(c.handle, C.CLAUDE_DISPATCH_PULL, &e), &e); err != nil {
		return err
	}
	var err error
	if c.requests, err = newLane(c.handle, C.CLAUDE_LANE_REQUESTS); err != nil {
		return err
	}
	if c.messages, err = newLane(c.handle, C.CLAUDE_LANE_MESSAGES); err != nil {
		c.requests.close()
	}
	return err
}

// Connect makes a client and starts its CLI; each of setup registers what it wants before that.
func Connect(ctx context.Context, options Options, setup ...func(*Client) error) (*Client, error) {
	c, err := New(options)
	if err != nil {
		return nil, err
	}
	for _, each := range setup {
		err = errors.Join(err, each(c))
	}
	if err == nil {
		err = c.Connect(ctx)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Connect starts the CLI. The context bounds the start alone: Close ends the conversation.
func (c *Client) Connect(ctx context.Context) error {
	c.start()
	_, err := c.operation(ctx, func(operation C.uintptr_t, e **C.claude_error_t) C.claude_status_t {
		return C.go_connect(c.handle, nil, operation, e)
	})
	if ctx.Err() != nil && err != nil {
		C.claude_client_disconnect(c.handle, nil, nil, nil)
	}
	return err
}

// start lets requests be answered from now on.
func (c *Client) start() {
	c.mu.Lock()
	first := !c.began
	c.began = true
	c.mu.Unlock()
	if first {
		go c.serve()
	}
}

// Disconnect ends the session; what the CLI still writes can be read.
func (c *Client) Disconnect(ctx context.Context) error {
	_, err := c.operation(ctx, func(operation C.uintptr_t, e **C.claude_error_t) C.claude_status_t {
		return C.go_disconnect(c.handle, operation, e)
	})
	return err
}

// Close ends the session and waits until the CLI is gone and no function runs. It returns how the session ended: nil when that was
// as it should. Not inside a function that was given to this client.
func (c *Client) Close() error {
	return c.close(func() { C.claude_client_free(c.handle) })
}

// close does so with what frees the client.
func (c *Client) close(free func()) error {
	c.closing.Do(func() {
		c.mu.Lock()
		began := c.began
		c.mu.Unlock()
		if began {
			// So that freeing waits for nothing, and no thread with it.
			_ = c.Disconnect(context.Background())
			c.readToEnd()
		}
		c.stop()
		free()
		if began {
			c.requests.wake()
			<-c.over
		}
		c.handlers.Wait()
		c.messages.wake()
		c.requests.close()
		c.messages.close()
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// readToEnd drops what is unread, and keeps the cause of the end.
func (c *Client) readToEnd() {
	for {
		got, status := c.messages.poll()
		if status != OK {
			return
		}
		if got.kind == KindClosed {
			c.mu.Lock()
			c.cause = newError(got.status, got.json)
			c.mu.Unlock()
		}
	}
}

// State says where the client stands.
func (c *Client) State() State { return State(C.claude_client_state(c.handle)) }

// PID is the process of the CLI; 0 while there is none.
func (c *Client) PID() uint64 { return uint64(C.claude_client_pid(c.handle)) }

// Stats are the counters of docs/stats.md.
func (c *Client) Stats() (json.RawMessage, error) {
	return text(func(out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_client_stats(c.handle, out, e)
	})
}

// Pending is how many events wait to be read, and of how many bytes.
func (c *Client) Pending() (events, bytes int, err error) {
	var cevents, cbytes C.size_t
	var e *C.claude_error_t
	err = check(C.claude_client_pending(c.handle, C.CLAUDE_LANE_ALL, &cevents, &cbytes, &e), &e)
	return int(cevents), int(cbytes), err
}

// ServerInfo is what the CLI said when it became ready.
func (c *Client) ServerInfo() (json.RawMessage, error) {
	return text(func(out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_client_get_server_info(c.handle, out, e)
	})
}

func text(call func(**C.char, **C.claude_error_t) C.claude_status_t) (json.RawMessage, error) {
	var out *C.char
	var e *C.claude_error_t
	if err := check(call(&out, &e), &e); err != nil {
		return nil, err
	}
	return json.RawMessage(take(out)), nil
}

// operation begins something and waits for its end. When the context ends first, the operation goes on.
func (c *Client) operation(ctx context.Context, begin func(C.uintptr_t, **C.claude_error_t) C.claude_status_t) (json.RawMessage, error) {
	end := make(chan ended, 1)
	number, err := c.begin(begin, func(e ended) { end <- e })
	if err != nil {
		return nil, err
	}
	select {
	case e := <-end:
		return e.json, e.err
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.operations, number)
		c.mu.Unlock()
		return nil, ctx.Err()
	case <-c.over:
	}
	// The goroutine that told ends is gone: what is begun behind the end of a session has its end queued already.
	for got, status := c.requests.poll(); status == OK; got, status = c.requests.poll() {
		c.deliver(got)
	}
	select {
	case e := <-end:
		return e.json, e.err
	default:
		return nil, newError(ErrClosed, nil)
	}
}

func (c *Client) begin(begin func(C.uintptr_t, **C.claude_error_t) C.claude_status_t, end func(ended)) (uintptr, error) {
	number := freshNumber()
	c.mu.Lock()
	c.operations[number] = end
	c.mu.Unlock()
	var e *C.claude_error_t
	err := check(begin(C.uintptr_t(number), &e), &e)
	if err != nil {
		c.mu.Lock()
		delete(c.operations, number)
		c.mu.Unlock()
	}
	return number, err
}

// serve is the goroutine of a connected client.
func (c *Client) serve() {
	defer close(c.over)
	for {
		got, status := c.requests.next(context.Background())
		switch status {
		case OK:
			c.deliver(got)
		case ErrCancelled: // woken, to look
		default:
			return
		}
	}
}

func (c *Client) deliver(got event) {
	switch got.kind {
	case KindDone:
		c.mu.Lock()
		end := c.operations[got.number]
		delete(c.operations, got.number)
		c.mu.Unlock()
		if end != nil {
			end(ended{got.json, newError(got.status, got.json)})
		}
	case KindRequest:
		c.answer(got)
	case KindToolCall:
		c.call(got)
	case KindRequestCancelled, KindToolCallCancelled:
		c.forget(asked{got.kind == KindToolCallCancelled, got.id})
	}
}

// run runs a function of the host on a goroutine of its own, with a context that ends when the CLI does not want the answer any more,
// and then lets go of what it was asked. A panic is kept before that, so that it is told before what follows from the refusal.
func (c *Client) run(what asked, release func(), function func(context.Context)) {
	ctx, cancel := context.WithCancel(c.context)
	c.mu.Lock()
	c.asked[what] = cancel
	c.mu.Unlock()
	c.handlers.Add(1)
	go func() {
		defer c.handlers.Done()
		defer c.forget(what)
		defer func() {
			value := recover()
			if value != nil {
				c.keepPanic(value)
			}
			release()
			// Whoever waits may leave the turn for it, which would overtake the refusal.
			if value != nil {
				c.messages.wake()
			}
		}()
		function(ctx)
	}()
}

func (c *Client) forget(what asked) {
	c.mu.Lock()
	cancel := c.asked[what]
	delete(c.asked, what)
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// keepPanic keeps the panic of a function until somebody waits; it wakes nobody.
func (c *Client) keepPanic(value any) {
	c.mu.Lock()
	c.panicked = &PanicError{value, debug.Stack()}
	c.mu.Unlock()
}

// takePanic returns the panic of a function, once.
func (c *Client) takePanic() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.panicked == nil {
		return nil
	}
	panicked := c.panicked
	c.panicked = nil
	return panicked
}
