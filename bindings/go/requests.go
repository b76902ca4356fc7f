package claude

// #include "shim.h"
import "C"

import (
	"context"
	"encoding/json"
	"time"
)

// Request is something that the CLI asks.
type Request struct {
	Kind     RequestKind
	ID       uint64
	JSON     json.RawMessage // as the CLI wrote it
	ToolName string          `json:"tool_name"`
	Input    json.RawMessage `json:"input"`
	handle   *C.claude_request_t
}

// State says what has become of it.
func (r *Request) State() RequestState { return RequestState(C.claude_request_state(r.handle)) }

// SetDeadline gives it so much time from now, in place of the option request_timeout_ms; then it is refused.
func (r *Request) SetDeadline(deadline time.Duration) error {
	var e *C.claude_error_t
	return check(C.claude_request_set_deadline(r.handle, milliseconds(deadline), nil, &e), &e)
}

// Answer is what the CLI is told: Allow, AllowInput, Deny, Respond or AnswerQuestions.
type Answer struct {
	give func(*C.claude_request_t, **C.claude_error_t) (C.claude_status_t, error)
}

// RequestFunc answers a request. It has a goroutine of its own and may take its time; its context ends when the CLI does not want the
// answer any more. An error refuses, and the model reads its text. A panic refuses as well, and comes out of Next and Ask.
type RequestFunc func(ctx context.Context, asked *Request) (Answer, error)

// Allow lets the tool run.
func Allow() Answer { return AllowWith(nil, nil) }

// AllowInput lets the tool run with another input.
func AllowInput(input any) Answer { return AllowWith(input, nil) }

// AllowWith also changes the rules, by a list as in permission_suggestions; nil: as it is.
func AllowWith(input, permissions any) Answer {
	return Answer{func(request *C.claude_request_t, e **C.claude_error_t) (C.claude_status_t, error) {
		var cinput, cpermissions *C.char
		var err error
		if input != nil {
			if cinput, err = cJSON(input); err != nil {
				return 0, err
			}
			defer freeText(cinput)
		}
		if permissions != nil {
			if cpermissions, err = cJSON(permissions); err != nil {
				return 0, err
			}
			defer freeText(cpermissions)
		}
		return C.claude_request_allow(request, cinput, cpermissions, e), nil
	}}
}

// Deny refuses the tool; the model reads why.
func Deny(why string) Answer { return deny(why, false) }

// DenyAndInterrupt refuses the tool and ends the turn.
func DenyAndInterrupt(why string) Answer { return deny(why, true) }

func deny(why string, interrupt bool) Answer {
	return Answer{func(request *C.claude_request_t, e **C.claude_error_t) (C.claude_status_t, error) {
		cwhy := cText(why)
		defer freeText(cwhy)
		return C.claude_request_deny(request, cwhy, C.bool(interrupt), e), nil
	}}
}

// AnswerQuestions answers the tool AskUserQuestion: a list with a number, a text or a list of these for each question.
func AnswerQuestions(answers any) Answer {
	return Answer{func(request *C.claude_request_t, e **C.claude_error_t) (C.claude_status_t, error) {
		document, err := cJSON(answers)
		if err != nil {
			return 0, err
		}
		defer freeText(document)
		return C.claude_request_answer_questions(request, document, e), nil
	}}
}

// Respond gives the payload of a success response, such as that of a hook: an empty object for no opinion.
func Respond(payload any) Answer {
	return Answer{func(request *C.claude_request_t, e **C.claude_error_t) (C.claude_status_t, error) {
		document, err := cJSON(payload)
		if err != nil {
			return 0, err
		}
		defer freeText(document)
		return C.claude_request_respond(request, document, e), nil
	}}
}

// OnPermission registers who decides about tools. Before connecting.
func (c *Client) OnPermission(function RequestFunc) error {
	c.mu.Lock()
	c.permission = function
	c.mu.Unlock()
	var e *C.claude_error_t
	return check(C.claude_client_on_permission(c.handle, nil, nil, nil, &e), &e)
}

// OnRequest registers who answers what has no function of its own. Before connecting.
func (c *Client) OnRequest(function RequestFunc) error {
	c.mu.Lock()
	c.request = function
	c.mu.Unlock()
	var e *C.claude_error_t
	return check(C.claude_client_on_request(c.handle, nil, nil, nil, &e), &e)
}

// WantStderr makes messages of the lines of stderr.
func (c *Client) WantStderr() error {
	var e *C.claude_error_t
	return check(C.claude_client_on_stderr(c.handle, nil, nil, nil, &e), &e)
}

// Hook adds a hook, answered by Respond. An empty matcher stands for all; 0 is the CLI's own deadline. Before connecting.
func (c *Client) Hook(event, matcher string, deadline time.Duration, onFailure HookFailure, function RequestFunc) error {
	cevent, cmatcher := cText(event), optional(matcher)
	defer freeText(cevent)
	defer freeText(cmatcher)
	var e *C.claude_error_t
	return check(C.go_add_hook(c.handle, cevent, cmatcher, milliseconds(deadline), C.claude_hook_failure_t(onFailure), c.name(function), &e), &e)
}

// MCPHandler adds an MCP server that speaks JSON-RPC itself, answered by Respond.
func (c *Client) MCPHandler(server string, function RequestFunc) error {
	cserver := cText(server)
	defer freeText(cserver)
	var e *C.claude_error_t
	return check(C.go_add_mcp_handler(c.handle, cserver, c.name(function), &e), &e)
}

// DeclareDialog says that the host can show a kind of dialog, which OnRequest gets.
func (c *Client) DeclareDialog(kind string) error {
	ckind := cText(kind)
	defer freeText(ckind)
	var e *C.claude_error_t
	return check(C.claude_client_declare_dialog(c.handle, ckind, &e), &e)
}

func (c *Client) name(function RequestFunc) C.uintptr_t {
	number := freshNumber()
	c.mu.Lock()
	c.named[number] = function
	c.mu.Unlock()
	return C.uintptr_t(number)
}

func (c *Client) functionFor(got event) RequestFunc {
	c.mu.Lock()
	defer c.mu.Unlock()
	if function := c.named[got.number]; function != nil {
		return function
	}
	if got.requestKind == RequestPermission && c.permission != nil {
		return c.permission
	}
	return c.request
}

func (c *Client) answer(got event) {
	function := c.functionFor(got)
	if function == nil {
		C.claude_request_free(got.request) // which refuses it
		return
	}
	c.run(asked{false, got.id}, func() { C.claude_request_free(got.request) }, func(ctx context.Context) {
		request := &Request{Kind: got.requestKind, ID: got.id, JSON: got.json, handle: got.request}
		_ = json.Unmarshal(got.json, request)
		answer, err := function(ctx, request)
		if err == nil && answer.give != nil {
			err = give(answer, got.request)
		}
		if err != nil {
			refuse(got, err)
		}
	})
}

func give(answer Answer, request *C.claude_request_t) error {
	var e *C.claude_error_t
	status, err := answer.give(request, &e)
	if err != nil {
		return err
	}
	return check(status, &e)
}

// refuse tells why; an answer that has been given already stands.
func refuse(got event, err error) {
	why := cText(err.Error())
	defer freeText(why)
	if got.requestKind == RequestPermission {
		C.claude_request_deny(got.request, why, false, nil)
	} else {
		C.claude_request_fail(got.request, why, nil)
	}
}

// PendingRequests lists the open requests, oldest first.
func (c *Client) PendingRequests() (json.RawMessage, error) {
	return text(func(out **C.char, e **C.claude_error_t) C.claude_status_t {
		return C.claude_client_pending_requests(c.handle, out, e)
	})
}

// AnswerRequest answers one of them from anywhere; the first answer counts. ErrNotFound: none with this id is open.
func (c *Client) AnswerRequest(id uint64, answer Answer) error {
	if answer.give == nil {
		return refusal("an empty Answer answers nothing")
	}
	var request *C.claude_request_t
	var e *C.claude_error_t
	if err := check(C.claude_client_take_request(c.handle, C.uint64_t(id), &request, &e), &e); err != nil {
		return err
	}
	defer C.claude_request_free(request)
	return give(answer, request)
}
