package claude

// #include "shim.h"
import "C"

import (
	"context"
	"encoding/json"
	"runtime"
	"sync"
	"unsafe"
)

// Tool is a function that the model can use, as mcp__<server>__<Name>.
type Tool struct {
	Name           string         `json:"name"`
	Description    string         `json:"description,omitempty"`
	InputSchema    any            `json:"inputSchema,omitempty"`
	Annotations    map[string]any `json:"annotations,omitempty"`
	MaxConcurrency int            `json:"max_concurrency"` // 0: any number

	// Call returns the text of the answer; an error is one that the model reads. Its context ends when the answer is not wanted any
	// more. A panic fails the call, and comes out of Next and Ask.
	Call func(ctx context.Context, call *ToolCall) (string, error) `json:"-"`
}

// Server holds tools, for one client or several.
type Server struct {
	handle *C.claude_mcp_server_t
	mu     sync.Mutex
	tools  map[uintptr]Tool
}

// NewServer makes a server; options as docs/tools.md has them, or nil.
func NewServer(name string, options Options) (*Server, error) {
	cname := cText(name)
	defer freeText(cname)
	document, err := cJSON(options)
	if options == nil {
		document, err = cText("{}"), nil
	}
	if err != nil {
		return nil, err
	}
	defer freeText(document)
	s := &Server{tools: map[uintptr]Tool{}}
	var e *C.claude_error_t
	if err := check(C.claude_mcp_server_create(cname, document, &s.handle, &e), &e); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(s, func(s *Server) { C.claude_mcp_server_free(s.handle) }) // clients keep what they need
	return s, nil
}

// Add adds a tool; CLIs that are connected hear of it.
func (s *Server) Add(tool Tool) error {
	document, err := cJSON(tool)
	if err != nil {
		return err
	}
	defer freeText(document)
	number := freshNumber()
	s.mu.Lock()
	s.tools[number] = tool
	s.mu.Unlock()
	var e *C.claude_error_t
	return check(C.go_add_tool(s.handle, document, C.uintptr_t(number), &e), &e)
}

// Remove removes a tool; CLIs that are connected hear of it.
func (s *Server) Remove(name string) error {
	cname := cText(name)
	defer freeText(cname)
	var e *C.claude_error_t
	return check(C.claude_mcp_server_remove_tool(s.handle, cname, &e), &e)
}

// AddServer adds a server to a client. The CLI learns of it when connecting; later, by SetMCPServers.
func (c *Client) AddServer(s *Server) error {
	c.mu.Lock()
	c.servers = append(c.servers, s)
	c.mu.Unlock()
	var e *C.claude_error_t
	return check(C.claude_client_add_mcp_server(c.handle, s.handle, &e), &e)
}

// WithTools is a setup for Connect: a server with these tools.
func WithTools(server string, tools ...Tool) func(*Client) error {
	return func(c *Client) error {
		s, err := NewServer(server, nil)
		if err != nil {
			return err
		}
		for _, tool := range tools {
			if err := s.Add(tool); err != nil {
				return err
			}
		}
		return c.AddServer(s)
	}
}

// ToolCall is one use of a tool. What is added comes before the text that the function returns.
type ToolCall struct {
	Name      string
	Arguments json.RawMessage // an object that fits the schema
	JSON      json.RawMessage // all of it
	handle    *C.claude_tool_call_t
}

// Progress says how far the work is; total 0 is unknown.
func (t *ToolCall) Progress(done, total float64, message string) error {
	cmessage := optional(message)
	defer freeText(cmessage)
	var e *C.claude_error_t
	return check(C.claude_tool_call_progress(t.handle, C.double(done), C.double(total), cmessage, &e), &e)
}

// AddText adds a text to the result.
func (t *ToolCall) AddText(text string) error {
	ctext := cText(text)
	defer freeText(ctext)
	var e *C.claude_error_t
	return check(C.claude_tool_call_add_text(t.handle, ctext, &e), &e)
}

// AddImage adds the bytes of a picture's file.
func (t *ToolCall) AddImage(file []byte, mimeType string) error {
	ctype := cText(mimeType)
	defer freeText(ctype)
	var e *C.claude_error_t
	return check(C.claude_tool_call_add_image(t.handle, unsafe.Pointer(unsafe.SliceData(file)), C.size_t(len(file)), ctype, &e), &e)
}

// AddBlock adds any other content block of MCP.
func (t *ToolCall) AddBlock(block any) error {
	document, err := cJSON(block)
	if err != nil {
		return err
	}
	defer freeText(document)
	var e *C.claude_error_t
	return check(C.claude_tool_call_add_block(t.handle, document, &e), &e)
}

// SetStructured sets the structuredContent of the result.
func (t *ToolCall) SetStructured(content any) error {
	document, err := cJSON(content)
	if err != nil {
		return err
	}
	defer freeText(document)
	var e *C.claude_error_t
	return check(C.claude_tool_call_set_structured(t.handle, document, &e), &e)
}

// SetMeta sets the _meta of the result.
func (t *ToolCall) SetMeta(meta any) error {
	document, err := cJSON(meta)
	if err != nil {
		return err
	}
	defer freeText(document)
	var e *C.claude_error_t
	return check(C.claude_tool_call_set_meta(t.handle, document, &e), &e)
}

func (c *Client) tool(number uintptr) (Tool, bool) {
	c.mu.Lock()
	servers := c.servers
	c.mu.Unlock()
	for _, server := range servers {
		server.mu.Lock()
		tool, ok := server.tools[number]
		server.mu.Unlock()
		if ok {
			return tool, true
		}
	}
	return Tool{}, false
}

func (c *Client) call(got event) {
	tool, ok := c.tool(got.number)
	if !ok || tool.Call == nil {
		C.claude_tool_call_free(got.call) // which fails it
		return
	}
	c.run(asked{true, got.id}, func() { C.claude_tool_call_free(got.call) }, func(ctx context.Context) {
		var length C.size_t
		arguments := C.claude_tool_call_arguments(got.call, &length)
		reply, err := tool.Call(ctx, &ToolCall{tool.Name, bytesOf(arguments, length), got.json, got.call})
		if err != nil {
			fail(got.call, err.Error())
			return
		}
		ctext := optional(reply)
		defer freeText(ctext)
		C.claude_tool_call_finish(got.call, ctext, nil)
	})
}

func fail(call *C.claude_tool_call_t, why string) {
	cwhy := cText(why)
	defer freeText(cwhy)
	C.claude_tool_call_fail(call, cwhy, nil)
}
