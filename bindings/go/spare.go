package claude

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"sync"
)

// Spare is a CLI that was started before it is known for which session: docs/start-at-once.md. It answers what the CLI asks while it
// waits. Claim makes a session of it. Close it in any case.
type Spare struct {
	client *Client

	mu      sync.Mutex
	handle  *C.claude_spare_t
	claimed bool // the client is no longer ours
}

// Claim is what is known only when a session begins, such as cwd, model and title: docs/start-at-once.md.
type Claim map[string]any

// NewSpare starts a CLI, and returns when it waits to be claimed; each of setup registers what it wants before that. The context
// bounds the start alone.
func NewSpare(ctx context.Context, options Options, setup ...func(*Client) error) (*Spare, error) {
	c, err := New(options)
	if err != nil {
		return nil, err
	}
	s := &Spare{client: c}
	for _, each := range setup {
		err = errors.Join(err, each(c))
	}
	if err == nil {
		err = s.park(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Spare) park(ctx context.Context) error {
	s.client.start()
	_, err := s.client.operation(ctx, func(operation C.uintptr_t, e **C.claude_error_t) C.claude_status_t {
		return C.go_spare_create(s.client.handle, operation, &s.handle, e)
	})
	return err
}

// Claim makes a session of the spare and sends it a first prompt, unless that is empty: read its answer by Next, or use Ask in its
// place. ErrInvalidOption: what is claimed cannot be used, and the spare still can. ErrAlreadyConnected: it was claimed before. After
// any other error the CLI is gone and the prompt was not sent: Connect another client. The context bounds the claim alone.
func (s *Spare) Claim(ctx context.Context, claim Claim, prompt string) (*Client, error) {
	if claim == nil {
		claim = Claim{}
	}
	document, err := cJSON(claim)
	if err != nil {
		return nil, err
	}
	defer freeText(document)
	accepted := false
	// Without the prompt: the library would send it too when the context has ended meanwhile.
	_, err = s.client.operation(ctx, func(operation C.uintptr_t, e **C.claude_error_t) C.claude_status_t {
		s.mu.Lock()
		defer s.mu.Unlock()
		status := C.go_spare_claim(s.handle, document, operation, e)
		accepted = status == C.CLAUDE_OK
		s.claimed = s.claimed || accepted
		return status
	})
	if !accepted {
		return nil, err
	}
	if err == nil && prompt != "" {
		_, err = s.client.Query(prompt)
	}
	if err != nil {
		s.client.Close()
		return nil, err
	}
	return s.client, nil
}

// State is StateConnecting while it can be claimed, and StateClosed when its CLI has ended: make another one.
func (s *Spare) State() State { return s.client.State() }

// Close lets go of the spare, and ends its CLI unless it was claimed.
func (s *Spare) Close() {
	s.mu.Lock()
	handle, claimed := s.handle, s.claimed
	s.handle = nil
	s.mu.Unlock()
	switch {
	case claimed:
		C.claude_spare_free(handle)
	case handle != nil:
		s.client.close(func() { C.claude_spare_free(handle) }) // with its client
	default:
		s.client.Close() // it was refused, or closed before
	}
}
