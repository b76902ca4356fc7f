package claude

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// strangeStore has what a Store must have, and List, which does what the test says.
type strangeStore struct {
	list func(context.Context) ([]StoredSession, error)
}

func (strangeStore) Append(context.Context, StoreKey, json.RawMessage) error { return nil }
func (strangeStore) Load(context.Context, StoreKey) (json.RawMessage, error) { return nil, nil }
func (s strangeStore) List(ctx context.Context, _ string) ([]StoredSession, error) {
	return s.list(ctx)
}

func opened(t *testing.T, store Store) *SessionStore {
	t.Helper()
	s, err := NewSessionStore(store)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestAFailureOfAStoreIsTold(t *testing.T) {
	for _, each := range []struct {
		list   func(context.Context) ([]StoredSession, error)
		status Status
		text   string
	}{
		{func(context.Context) ([]StoredSession, error) { return nil, errors.New("no disk") }, ErrFile, "no disk"},
		{func(context.Context) ([]StoredSession, error) {
			return nil, fmt.Errorf("elsewhere: %w", ErrSessionInUse)
		}, ErrSessionInUse, "elsewhere"},
		{func(context.Context) ([]StoredSession, error) { runtime.Goexit(); return nil, nil }, ErrFile, "did not return"},
		{func(context.Context) ([]StoredSession, error) { panic("oh no") }, ErrFile, "oh no"},
		{func(context.Context) ([]StoredSession, error) { panic(fmt.Errorf("deep: %w", ErrNotFound)) }, ErrNotFound, "deep"},
	} {
		_, err := opened(t, strangeStore{each.list}).List(nil, 10*time.Second)
		if !errors.Is(err, each.status) || !strings.Contains(err.Error(), each.text) {
			t.Errorf("%v and not %v with %q", err, each.status, each.text)
		}
	}
}

func TestNoSessionIsAnEmptyList(t *testing.T) {
	list, err := opened(t, strangeStore{func(context.Context) ([]StoredSession, error) { return nil, nil }}).List(nil, 10*time.Second)
	if err != nil || string(list) != "[]" {
		t.Fatalf("%s, %v", list, err)
	}
}

// A client keeps its store; when both are closed, the context of its calls ends.
func TestTheContextOfAStoreEndsWithIt(t *testing.T) {
	kept := make(chan context.Context, 1)
	s := opened(t, strangeStore{func(ctx context.Context) ([]StoredSession, error) {
		kept <- ctx
		return nil, nil
	}})
	if _, err := s.List(nil, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	ctx := <-kept
	c := fake(t, `{}`, WithSessionStore(s))
	s.Close()
	expectText(t, c, "Hello!", "Hello!")
	if ctx.Err() != nil {
		t.Fatal("the client uses it")
	}
	c.Close()
	select {
	case <-ctx.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("the store is gone, and its context goes on")
	}
}

func TestAStoreWithoutAListSaysSo(t *testing.T) {
	s := opened(t, struct{ Store }{strangeStore{}})
	if _, err := s.List(nil, 10*time.Second); !errors.Is(err, ErrUnsupported) {
		t.Fatal(err)
	}
	if _, err := s.Import("no uuid", nil, 10*time.Second); !errors.Is(err, ErrInvalidArgument) {
		t.Fatal(err)
	}
}

func TestARequestIsAnsweredFromElsewhere(t *testing.T) {
	c := fake(t, permission, func(c *Client) error {
		return c.OnPermission(func(ctx context.Context, asked *Request) (Answer, error) {
			if asked.State() != RequestStateOpen {
				t.Errorf("%v", asked.State())
			}
			if err := asked.SetDeadline(10 * time.Second); err != nil {
				t.Error(err)
			}
			if err := c.AnswerRequest(asked.ID, Answer{}); !errors.Is(err, ErrInvalidArgument) {
				t.Error(err)
			}
			if err := c.AnswerRequest(asked.ID, Deny("from elsewhere")); err != nil {
				t.Error(err)
			}
			if err := c.AnswerRequest(asked.ID, Allow()); !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
			return Allow(), nil // too late
		})
	})
	var said string
	for message, err := range c.Ask(context.Background(), "Write.") {
		if err != nil {
			t.Fatal(err)
		}
		said += message.Text()
	}
	if !strings.Contains(said, "from elsewhere") {
		t.Fatal(said)
	}
}

func TestWhatWaitsIsCounted(t *testing.T) {
	c := fake(t, `{}`)
	if _, err := c.Query("Hello!"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		events, bytes, err := c.Pending()
		if err != nil || time.Now().After(end) {
			t.Fatal(events, bytes, err)
		}
		if events > 0 && bytes > 0 {
			return
		}
	}
}

func TestTheLibraryDescribesItself(t *testing.T) {
	var built struct{ Version string }
	if err := json.Unmarshal(BuildInfo(), &built); err != nil || built.Version != Version() || ABIVersion() == 0 {
		t.Fatalf("%s, %v", BuildInfo(), err)
	}
	if err := Configure(RuntimeConfig{ThreadName: "x"}); !errors.Is(err, ErrAlreadyConnected) {
		t.Fatal(err)
	}
}
