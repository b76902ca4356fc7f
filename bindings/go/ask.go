package claude

// #include "shim.h"
import "C"

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
)

// Query sends a prompt and returns its uuid. Ask reads the answer as well.
func (c *Client) Query(prompt string) (string, error) {
	if strings.ContainsRune(prompt, 0) {
		return c.Send(map[string]any{"type": "user", "message": map[string]any{"role": "user", "content": prompt}})
	}
	cprompt := cText(prompt)
	defer freeText(cprompt)
	uuid, err := text(func(out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_client_query(c.handle, cprompt, nil, out, e)
	})
	return string(uuid), err
}

// Send sends a whole user message, with images, several blocks, a priority and so on; its uuid.
func (c *Client) Send(message any) (string, error) {
	document, err := cJSON(message)
	if err != nil {
		return "", err
	}
	defer freeText(document)
	uuid, err := text(func(out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_client_send_json(c.handle, document, out, e)
	})
	return string(uuid), err
}

// EndInput says that no more prompts will come: the CLI finishes its turns and exits.
func (c *Client) EndInput() error {
	var e *C.claude_error_t
	return check(C.claude_client_end_input(c.handle, &e), &e)
}

// EndInputAfterRun does so when every prompt has its result and nothing goes on that may need the host.
func (c *Client) EndInputAfterRun() error {
	var e *C.claude_error_t
	return check(C.claude_client_end_input_after_run(c.handle, &e), &e)
}

// Next waits for a message. Behind the last one it returns the cause of the end, or an error that is ErrClosed after a normal one. A
// panic of a function of the host comes out here, as a *PanicError.
func (c *Client) Next(ctx context.Context) (Message, error) {
	select {
	case c.reading <- struct{}{}:
	case <-ctx.Done():
		return Message{}, ctx.Err()
	}
	defer func() { <-c.reading }()
	return c.next(ctx)
}

func (c *Client) next(ctx context.Context) (Message, error) {
	for {
		if err := c.takePanic(); err != nil {
			return Message{}, err
		}
		if err := ctx.Err(); err != nil {
			return Message{}, err
		}
		got, status := c.messages.next(ctx)
		switch {
		case status == ErrCancelled: // woken, to look
		case status == ErrClosed || status == ErrInvalidHandle:
			return Message{}, c.ending()
		case status != OK:
			return Message{}, newError(status, nil)
		case got.kind == KindClosed:
			c.mu.Lock()
			c.cause, c.abandoned = newError(got.status, got.json), ""
			c.mu.Unlock()
			return Message{}, c.ending()
		default:
			message := Message{got.kind, got.json}
			if !c.isRest(message) {
				return message, nil
			}
		}
	}
}

func (c *Client) ending() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return c.cause
	}
	return newError(ErrClosed, nil)
}

// isRest says whether it belongs to an answer that nobody reads any more.
func (c *Client) isRest(message Message) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.abandoned == "" {
		return false
	}
	if message.endsTurnOf(c.abandoned) {
		c.abandoned = ""
	}
	return true
}

// Ask sends a prompt and yields the messages up to the end of its turn. One answer at a time. Leaving the loop, and the end of the
// context, interrupt the turn without waiting; the next Ask waits for its end, and nothing of it is seen.
func (c *Client) Ask(ctx context.Context, prompt string) iter.Seq2[Message, error] {
	return c.answerTo(ctx, func() (string, error) { return c.Query(prompt) })
}

// AskMessage does the same for a whole user message, as Send takes it.
func (c *Client) AskMessage(ctx context.Context, message any) iter.Seq2[Message, error] {
	return c.answerTo(ctx, func() (string, error) { return c.Send(message) })
}

// AskText reads the whole answer and returns the final text. A result that is an error is an Error with ErrResult.
func (c *Client) AskText(ctx context.Context, prompt string) (string, error) {
	var final Message
	for message, err := range c.Ask(ctx, prompt) {
		if err != nil {
			return "", err
		}
		if message.Kind == KindResult {
			final = message
		}
	}
	if final.content().IsError {
		document, _ := json.Marshal(map[string]any{"message": final.Text(), "result": final.JSON})
		return "", newError(ErrResult, document)
	}
	return final.Text(), nil
}

func (c *Client) answerTo(ctx context.Context, send func() (string, error)) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		if !c.beginAnswer() {
			yield(Message{}, refusal("an answer of this client is being read: leave its loop before the next one"))
			return
		}
		prompt, err := "", c.drain(ctx)
		if err == nil {
			prompt, err = send()
		}
		if err != nil {
			c.endAnswer("")
			yield(Message{}, err)
			return
		}
		left := prompt // but for an answer that came to its end
		defer func() { c.endAnswer(left) }()
		for {
			message, err := c.Next(ctx)
			if err != nil {
				yield(Message{}, err)
				return
			}
			if message.endsTurnOf(prompt) {
				left = ""
				return
			}
			// What becomes of other prompts is no part of this answer.
			if message.Kind == KindCommandLifecycle && message.content().Command != prompt {
				continue
			}
			if !yield(message, nil) {
				return
			}
		}
	}
}

func (c *Client) beginAnswer() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answering {
		return false
	}
	c.answering = true
	return true
}

// endAnswer lets the next one begin; `left` is the prompt of a turn that was left before its end.
func (c *Client) endAnswer(left string) {
	c.mu.Lock()
	c.answering = false
	if left != "" {
		c.abandoned = left
	}
	c.mu.Unlock()
	if left == "" {
		return
	}
	// One of the two has an effect: the prompt waits, or its turn runs.
	uuid := cText(left)
	defer freeText(uuid)
	_, _ = c.begin(func(operation C.uintptr_t, e **C.claude_error_t) C.claude_status_t {
		return C.go_cancel_prompt(c.handle, uuid, operation, e)
	}, func(e ended) {
		var reply struct{ Cancelled bool }
		if _ = json.Unmarshal(e.json, &reply); e.err == nil && reply.Cancelled {
			c.mu.Lock()
			if c.abandoned == left {
				c.abandoned = ""
			}
			c.mu.Unlock()
			c.messages.wake()
		}
	})
	C.claude_client_interrupt(c.handle, nil, nil, nil)
}

// drain waits for the end of an answer that nobody reads any more.
func (c *Client) drain(ctx context.Context) error {
	c.reading <- struct{}{}
	defer func() { <-c.reading }()
	for {
		c.mu.Lock()
		left := c.abandoned != ""
		c.mu.Unlock()
		if !left {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		got, status := c.messages.next(ctx)
		switch {
		case status == ErrCancelled:
		case status != OK:
			return c.ending()
		case got.kind == KindClosed:
			c.mu.Lock()
			c.cause, c.abandoned = newError(got.status, got.json), ""
			c.mu.Unlock()
			return c.ending()
		default:
			c.isRest(Message{got.kind, got.json})
		}
	}
}
