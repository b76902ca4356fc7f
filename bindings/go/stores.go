package claude

// #include "shim.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Store is a place of the host's for sessions: docs/sessions.md. Each call has a goroutine of its own, so several run at once, and may
// take its time; the appends of one client come one after another. An error fails the call, with its Status if it has one; so does a
// panic. The context ends when nobody waits for anything any more: the store is closed, and every client that used it.
type Store interface {
	// Append adds a list of entries to those already stored. An entry may come twice, with the same uuid.
	Append(ctx context.Context, key StoreKey, entries json.RawMessage) error
	// Load returns the list of all entries in their order; nil for what was never stored.
	Load(ctx context.Context, key StoreKey) (json.RawMessage, error)
}

// StoreLister is a Store that knows its sessions. Without it continue_conversation is refused.
type StoreLister interface {
	List(ctx context.Context, projectKey string) ([]StoredSession, error)
}

// StoreSummarizer is a Store that keeps what FoldSummary gave for each session, with mtime set by the clock of List.
type StoreSummarizer interface {
	Summaries(ctx context.Context, projectKey string) ([]json.RawMessage, error)
}

// StoreRemover is a Store that removes a key, and with a session all of its subpaths.
type StoreRemover interface {
	Remove(ctx context.Context, key StoreKey) error
}

// StoreSubkeyLister is a Store that knows the subpaths of a session. Without it subagents are not resumed.
type StoreSubkeyLister interface {
	ListSubkeys(ctx context.Context, session StoreKey) ([]string, error)
}

// StoreKey names what is stored.
type StoreKey struct {
	ProjectKey string `json:"project_key"`
	SessionID  string `json:"session_id,omitempty"`
	Subpath    string `json:"subpath,omitempty"` // empty for the session itself
}

// StoredSession is a row of List.
type StoredSession struct {
	SessionID string `json:"session_id"`
	MTime     int64  `json:"mtime"` // milliseconds
}

// SessionStore is a Store, or the one in memory, as clients take it. Close it; clients keep it until they are closed.
type SessionStore struct {
	handle *C.claude_session_store_t
}

// NewSessionStore makes one of the host's.
func NewSessionStore(store Store) (*SessionStore, error) {
	ctx, stop := context.WithCancel(context.Background())
	number := stores.add(&heldStore{store, ctx, stop})
	_, list := store.(StoreLister)
	_, summaries := store.(StoreSummarizer)
	_, remove := store.(StoreRemover)
	_, subkeys := store.(StoreSubkeyLister)
	return newStore(func(handle **C.claude_session_store_t, e **C.claude_error_t) C.claude_status_t {
		return C.go_session_store(C.bool(list), C.bool(summaries), C.bool(remove), C.bool(subkeys), C.uintptr_t(number), handle, e)
	})
}

// NewMemoryStore makes one in memory, for tests.
func NewMemoryStore() (*SessionStore, error) {
	return newStore(func(handle **C.claude_session_store_t, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_store_create_memory(handle, e)
	})
}

func newStore(create func(**C.claude_session_store_t, **C.claude_error_t) C.claude_status_t) (*SessionStore, error) {
	s := &SessionStore{}
	var e *C.claude_error_t
	if err := check(create(&s.handle, &e), &e); err != nil {
		return nil, err
	}
	return s, nil
}

// Close lets go of the store.
func (s *SessionStore) Close() { C.claude_session_store_free(s.handle) }

// List lists the sessions of a project, newest first.
func (s *SessionStore) List(options Options, timeout time.Duration) (json.RawMessage, error) {
	document, err := optionsText(options)
	if err != nil {
		return nil, err
	}
	defer freeText(document)
	return text(func(out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_store_list(s.handle, document, milliseconds(timeout), out, e)
	})
}

// Import stores a session that is on the disk.
func (s *SessionStore) Import(id string, options Options, timeout time.Duration) (json.RawMessage, error) {
	return ofSession(id, options, func(id, options *C.char, out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_store_import(s.handle, id, options, milliseconds(timeout), out, e)
	})
}

// Check holds a store against the contract, for its tests: ok, passed, failed, skipped, cases.
func (s *SessionStore) Check(timeout time.Duration) (json.RawMessage, error) {
	return text(func(out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_store_check(s.handle, milliseconds(timeout), out, e)
	})
}

// SetSessionStore keeps the session in a store, and takes from there what the option resume names. Before connecting.
func (c *Client) SetSessionStore(s *SessionStore) error {
	var e *C.claude_error_t
	return check(C.claude_client_set_session_store(c.handle, s.handle, &e), &e)
}

// WithSessionStore is a setup for Connect.
func WithSessionStore(s *SessionStore) func(*Client) error {
	return func(c *Client) error { return c.SetSessionStore(s) }
}

// FoldSummary updates the summary of a session behind an append without a subpath; previous is nil at the first.
func FoldSummary(previous json.RawMessage, key StoreKey, entries json.RawMessage) (json.RawMessage, error) {
	document, err := cJSON(key)
	if err != nil {
		return nil, err
	}
	defer freeText(document)
	cprevious, centries := optional(string(previous)), cText(string(entries))
	defer freeText(cprevious)
	defer freeText(centries)
	return text(func(out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_session_summary_fold(cprevious, document, centries, out, e)
	})
}

// heldStore is what the library knows by a number.
type heldStore struct {
	store   Store
	context context.Context
	stop    context.CancelFunc
}

// ask answers a call on a goroutine of its own.
func (h *heldStore) ask(call *C.claude_store_call_t, function C.int, keyJSON string, entries json.RawMessage) {
	var answer any
	err := errors.New("the function of the store did not return")
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value}
		}
		answerStore(call, answer, err)
	}()
	var key StoreKey
	if failed := json.Unmarshal([]byte(keyJSON), &key); failed != nil {
		err = failed
		return
	}
	answer, err = h.call(function, key, entries)
}

func (h *heldStore) call(function C.int, key StoreKey, entries json.RawMessage) (any, error) {
	switch function {
	case C.GO_STORE_APPEND:
		return nil, h.store.Append(h.context, key, entries)
	case C.GO_STORE_LOAD:
		return h.store.Load(h.context, key)
	case C.GO_STORE_LIST:
		return listed(h.store.(StoreLister).List(h.context, key.ProjectKey))
	case C.GO_STORE_SUMMARIES:
		return listed(h.store.(StoreSummarizer).Summaries(h.context, key.ProjectKey))
	case C.GO_STORE_REMOVE:
		return nil, h.store.(StoreRemover).Remove(h.context, key)
	case C.GO_STORE_LIST_SUBKEYS:
		return listed(h.store.(StoreSubkeyLister).ListSubkeys(h.context, key))
	}
	return nil, fmt.Errorf("a store has no function %d", function)
}

// listed makes a list of nothing an empty one: null is no list.
func listed[T any](rows []T, err error) (any, error) {
	if rows == nil {
		rows = []T{}
	}
	return rows, err
}

func answerStore(call *C.claude_store_call_t, answer any, err error) {
	var document *C.char
	if raw, ok := answer.(json.RawMessage); err == nil && answer != nil && !(ok && raw == nil) {
		document, err = cJSON(answer)
		defer freeText(document)
	}
	if err == nil {
		C.claude_store_call_respond(call, document, nil)
		return
	}
	status := ErrFile
	errors.As(err, &status)
	why := cText(err.Error())
	defer freeText(why)
	C.claude_store_call_fail(call, C.claude_status_t(status), why, nil)
}
