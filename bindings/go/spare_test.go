package claude

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func parked(t *testing.T, script string, setup ...func(*Client) error) *Spare {
	t.Helper()
	s, err := NewSpare(context.Background(), Options{"env": map[string]string{"FAKE_CLAUDE": script}}, setup...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestASpareIsClaimedOnce(t *testing.T) {
	ctx := context.Background()
	s := parked(t, `{}`)
	if _, err := s.Claim(ctx, Claim{"max_turn": 3}, ""); !errors.Is(err, ErrInvalidOption) {
		t.Fatal(err)
	}
	c, err := s.Claim(ctx, nil, "first")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for message, err := c.Next(ctx); message.Kind != KindResult; message, err = c.Next(ctx) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Claim(ctx, nil, ""); !errors.Is(err, ErrAlreadyConnected) {
		t.Fatal(err)
	}
	s.Close()
	if _, err := s.Claim(ctx, nil, ""); !errors.Is(err, ErrInvalidHandle) {
		t.Fatal(err)
	}
	expectText(t, c, "the spare is gone", "the spare is gone")
}

func TestOneOfManyGetsTheSession(t *testing.T) {
	s := parked(t, `{}`)
	claimed := make(chan *Client)
	for range 8 {
		go func() {
			c, err := s.Claim(context.Background(), Claim{"cwd": "/"}, "")
			if err != nil && !errors.Is(err, ErrAlreadyConnected) {
				t.Error(err)
			}
			claimed <- c
		}()
	}
	var got []*Client
	for range 8 {
		if c := <-claimed; c != nil {
			got = append(got, c)
		}
	}
	if len(got) != 1 {
		t.Fatalf("%d clients", len(got))
	}
	expectText(t, got[0], "Hello!", "Hello!")
	got[0].Close()
}

func TestASpareThatEnds(t *testing.T) {
	s := parked(t, `{}`)
	if state := s.State(); state != StateConnecting {
		t.Fatal(state)
	}
	s.Close()
	s.Close()
	<-s.client.over
	if _, err := s.Claim(context.Background(), nil, ""); !errors.Is(err, ErrInvalidHandle) {
		t.Fatal(err)
	}
	dying := parked(t, `{"on_initialize": ["default", {"sleep": 50}, {"exit": 3}]}`)
	for dying.State() != StateClosed {
		time.Sleep(time.Millisecond)
	}
	if _, err := dying.Claim(context.Background(), nil, "not sent"); !errors.Is(err, ErrProcess) && !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

func TestASpareThatCannotBeStarted(t *testing.T) {
	_, err := NewSpare(context.Background(), Options{"env": map[string]string{
		"FAKE_CLAUDE": `{"on_start": [{"stderr": "error: unknown option '--await-claim'\n"}, {"exit": 1}]}`}})
	var refused *Error
	if !errors.Is(err, ErrProcess) || !errors.As(err, &refused) || !strings.Contains(refused.Stderr, "await-claim") {
		t.Fatalf("%#v", err)
	}
	if _, err = NewSpare(context.Background(), Options{"resume": "ab0e0000-0000-4000-8000-000000000001"}); !errors.Is(err, ErrInvalidOption) {
		t.Fatal(err)
	}
	failed := errors.New("not registered")
	if _, err = NewSpare(context.Background(), nil, func(*Client) error { return failed }); !errors.Is(err, failed) {
		t.Fatal(err)
	}
}

func TestAContextEndsTheStartAndTheClaimOfASpare(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	options := Options{"env": map[string]string{"FAKE_CLAUDE": `{"on_initialize": []}`}}
	if _, err := NewSpare(ctx, options); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	s := parked(t, `{"on_control": {"claim_session": []}}`)
	ctx, cancel = context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := s.Claim(ctx, nil, "not sent"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	<-s.client.over
}

func TestAParkedSpareAnswers(t *testing.T) {
	asked := make(chan struct{}, 1)
	s := parked(t, `{"on_initialize": ["default", {"ask": "hook_callback", "wait": false, "id": "h"}]}`, func(c *Client) error {
		return c.Hook("PreToolUse", "", 0, HookContinue, func(context.Context, *Request) (Answer, error) {
			asked <- struct{}{}
			return Respond(map[string]any{}), nil
		})
	})
	<-asked // while nobody waits in it
	c, err := s.Claim(context.Background(), nil, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	expectText(t, c, "Hello!", "Hello!")
}
