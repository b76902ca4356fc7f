// Holds the conversation of one case of bindings/conformance and prints what happened: conformance CASE.json
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	claude "claude-client/go"
)

type step struct {
	Create         claude.Options
	Clients        int
	Connect        bool
	Disconnect     bool
	Ask            *string
	Query          *string
	Sleep          int
	Interrupt      bool
	Read           bool
	Control        json.RawMessage
	Session        string
	Store          string
	Log            string
	Spare          string
	Claim          claude.Claim
	Prompt         string
	ID             string
	Title          string
	Tag            string
	Agent          string
	Directory      string
	Exit           *int
	LeaveAfter     *int `json:"leave_after"`
	InterruptAfter int  `json:"interrupt_after"`
	WithinMS       int  `json:"within_ms"`
	Quiet          bool
}

type script struct {
	Options    claude.Options
	Fields     []string
	Steps      []step
	Permission *struct {
		Do, Message string
		Input       json.RawMessage
		AfterMS     int `json:"after_ms"`
	}
	Hook *struct {
		Event, Matcher string
		Response       json.RawMessage
	}
	Store *struct {
		Do      string
		AfterMS int `json:"after_ms"`
	}
	Transport *struct{ Do, Answer string }
	Tool      *struct {
		Server, Name, Description, Do string
		Schema                        json.RawMessage
	}
}

var (
	all      script
	client   *claude.Client
	printing sync.Mutex
	failed   = errors.New("the handler failed")
)

func line(format string, arguments ...any) {
	printing.Lock()
	defer printing.Unlock()
	fmt.Printf(format+"\n", arguments...)
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, each := range all.Steps {
		if err := each.run(); err != nil {
			tell(err)
		}
	}
	if client != nil {
		client.Close()
	}
	if spare != nil {
		spare.Close()
	}
	if opened != nil {
		opened.Close()
	}
}

func (s step) run() error {
	ctx := context.Background()
	if s.WithinMS > 0 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(s.WithinMS)*time.Millisecond)
		defer cancel()
		ctx = limited
	}
	if s.Create != nil {
		return create(s.Create)
	}
	if s.Spare != "" {
		return s.spare(ctx)
	}
	if s.Claim != nil {
		return s.claim(ctx)
	}
	if client == nil && s.Clients == 0 && s.Session == "" && s.Store == "" && s.Log == "" {
		if err := create(all.Options); err != nil {
			return err
		}
	}
	switch {
	case s.Clients > 0:
		return many(ctx, s.Clients, *s.Ask)
	case s.Connect:
		return said("connected", client.Connect(ctx))
	case s.Disconnect:
		return said("disconnected", client.Disconnect(ctx))
	case s.Ask != nil:
		return s.ask(ctx)
	case s.Query != nil:
		_, err := client.Query(*s.Query)
		return err
	case s.Sleep > 0:
		time.Sleep(time.Duration(s.Sleep) * time.Millisecond)
	case s.Interrupt:
		_, err := client.Interrupt(ctx)
		return said("interrupted", err)
	case s.Read:
		return read(ctx)
	case s.Control != nil:
		_, err := client.Control(ctx, s.Control)
		return err
	case s.Session != "":
		return s.session()
	case s.Store != "":
		return s.store()
	case s.Log != "":
		return log(s.Log)
	case s.Exit != nil:
		os.Exit(*s.Exit)
	}
	return nil
}

func said(text string, err error) error {
	if err == nil {
		line("%s", text)
	}
	return err
}

func create(options claude.Options) error {
	if client != nil {
		client.Close()
		client = nil
	}
	made, err := claude.New(options)
	if err != nil {
		return err
	}
	client = made
	return register(client)
}

// register gives a client what the case has.
func register(client *claude.Client) (err error) {
	if all.Store != nil {
		store, failed := sessionStore()
		if failed != nil {
			return failed
		}
		err = errors.Join(err, client.SetSessionStore(store))
	}
	if all.Transport != nil {
		err = errors.Join(err, client.SetTransport(&farSide{}))
	}
	if all.Permission != nil {
		err = errors.Join(err, client.OnPermission(decide))
	}
	if hook := all.Hook; hook != nil {
		err = errors.Join(err, client.Hook(hook.Event, hook.Matcher, 0, claude.HookContinue, func(_ context.Context, asked *claude.Request) (claude.Answer, error) {
			var input struct {
				ToolName string `json:"tool_name"`
			}
			_ = json.Unmarshal(asked.Input, &input)
			line("hook %s", input.ToolName)
			return claude.Respond(hook.Response), nil
		}))
	}
	if tool := all.Tool; tool != nil {
		err = errors.Join(err, claude.WithTools(tool.Server, claude.Tool{
			Name: tool.Name, Description: tool.Description, InputSchema: tool.Schema, Call: greet,
		})(client))
	}
	return err
}

func greet(_ context.Context, call *claude.ToolCall) (string, error) {
	var arguments struct{ Name string }
	_ = json.Unmarshal(call.Arguments, &arguments)
	line("tool %s %s", call.Name, arguments.Name)
	if all.Tool.Do == "throw" {
		panic(failed)
	}
	return "Hello, " + arguments.Name + "!", nil
}

func decide(_ context.Context, asked *claude.Request) (claude.Answer, error) {
	line("permission %s", asked.ToolName)
	how := all.Permission
	switch how.Do {
	case "throw":
		panic(failed)
	case "deny":
		return claude.Deny(how.Message), nil
	case "later": // this goroutine may take its time
		time.Sleep(time.Duration(how.AfterMS) * time.Millisecond)
		line("answered later")
	}
	return claude.AllowInput(how.Input), nil
}

func (s step) ask(ctx context.Context) error {
	seen := 0
	for message, err := range client.Ask(ctx, *s.Ask) {
		if err != nil {
			return err
		}
		if s.LeaveAfter != nil && *s.LeaveAfter == 0 {
			line("left")
			break
		}
		if !show(message, s.Quiet) {
			continue
		}
		seen++
		if s.LeaveAfter != nil && seen == *s.LeaveAfter {
			line("left")
			break
		}
		if seen == s.InterruptAfter {
			if _, err := client.Interrupt(ctx); err != nil {
				return err
			}
			line("interrupted")
		}
	}
	return nil
}

// show says whether it is a part of the answer.
func show(message claude.Message, quiet bool) bool {
	text := message.Text()
	switch message.Kind {
	case claude.KindTextDelta:
		if !quiet {
			line("delta %s", text)
		}
		return true
	case claude.KindAssistant:
		if text == "" {
			return false
		}
		if len(text) < 1000000 {
			line("assistant %s", text)
		} else {
			line("assistant of %d MB", (len(text)+500000)/1000000)
		}
		return true
	case claude.KindResult:
		line("result %s", message.Subtype())
	}
	return false
}

func read(ctx context.Context) error {
	messages := 0
	for {
		message, err := client.Next(ctx)
		if err != nil {
			return err
		}
		if message.Kind == claude.KindResult {
			line("read %d messages", messages)
			return nil
		}
		if message.Kind == claude.KindAssistant {
			messages++
		}
	}
}

func many(ctx context.Context, number int, prompt string) error {
	answers := make(chan string)
	for range number {
		go func() {
			made, err := claude.Connect(ctx, nil)
			if err != nil {
				answers <- err.Error()
				return
			}
			defer made.Close()
			text, err := made.AskText(ctx, prompt)
			if err != nil {
				text = err.Error()
			}
			answers <- text
		}()
	}
	right := 0
	for range number {
		if <-answers == prompt {
			right++
		}
	}
	line("%d clients, %d answers", number, right)
	return nil
}

func (s step) session() error {
	switch s.Session {
	case "list":
		list, err := claude.Sessions(nil)
		if err != nil {
			return err
		}
		return listSessions("session", list)
	case "info":
		_, err := claude.SessionInfo(s.ID, nil)
		return err
	case "messages":
		messages := claude.SessionMessages(s.ID, nil)
		if s.Agent != "" {
			messages = claude.SessionSubagentMessages(s.ID, s.Agent, nil)
		}
		for message, err := range messages {
			if err != nil {
				return err
			}
			who := map[claude.Kind]string{claude.KindUser: "user", claude.KindAssistant: "assistant"}[message.Kind]
			line("%s %s", who, message.Text())
		}
		return nil
	case "subagents":
		list, err := claude.SessionSubagents(s.ID, nil)
		if err != nil {
			return err
		}
		var rows []struct {
			AgentID string `json:"agent_id"`
		}
		err = json.Unmarshal(list, &rows)
		for _, row := range rows {
			line("subagent %s", row.AgentID)
		}
		return err
	case "rename":
		return said("renamed", claude.SessionRename(s.ID, s.Title, nil))
	case "tag":
		return said("tagged", claude.SessionTag(s.ID, s.Tag, nil))
	case "archive":
		return said("archived", claude.SessionArchive(s.ID, true, nil))
	case "fork":
		_, err := claude.SessionFork(s.ID, nil)
		return said("copied", err)
	case "key":
		key, err := claude.SessionProjectKey(s.Directory)
		return said("key "+key, err)
	default:
		return said("deleted", claude.SessionDelete(s.ID, nil))
	}
}

var logged atomic.Int64

func log(level string) error {
	if level != "off" {
		return claude.OnLog(claude.LogDebug, func(claude.LogLevel, string) { logged.Add(1) })
	}
	err := claude.OnLog(claude.LogOff, nil)
	if logged.Load() == 0 {
		return said("no log", err)
	}
	return said("logged", err)
}

func tell(err error) {
	var panicked *claude.PanicError
	var refused *claude.Error
	switch {
	case errors.As(err, &panicked):
		line("caught %v", panicked)
	case errors.Is(err, context.DeadlineExceeded):
		line("cancelled")
	case errors.As(err, &refused):
		text := "error " + refused.Status.Error()
		var members map[string]any
		_ = json.Unmarshal(refused.Document, &members)
		for _, field := range all.Fields {
			if value, ok := members[field]; ok {
				text += " " + field + "=" + strings.TrimRight(fmt.Sprint(value), "\n")
			}
		}
		line("%s", text)
	default:
		line("error %v", err)
	}
}
