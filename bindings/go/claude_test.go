package claude

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is a client of the stand-in CLI, which CLAUDE_CLIENT_CLI names, with a script.
func fake(t *testing.T, script string, setup ...func(*Client) error) *Client {
	t.Helper()
	c, err := Connect(context.Background(), Options{"env": map[string]string{"FAKE_CLAUDE": script}}, setup...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func expectText(t *testing.T, c *Client, prompt, expected string) {
	t.Helper()
	text, err := c.AskText(context.Background(), prompt)
	if err != nil || text != expected {
		t.Fatalf("%q, %v and not %q", text, err, expected)
	}
}

func status(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc")
	}
	for _, row := range strings.Split(string(text), "\n") {
		if value, ok := strings.CutPrefix(row, name+":"); ok {
			number, _ := strconv.Atoi(strings.Fields(value)[0])
			return number
		}
	}
	t.Fatalf("no %s in /proc/self/status", name)
	return 0
}

const permission = `{"on_user": ["init", {"ask": {"subtype": "can_use_tool", "tool_name": "Write", "input": {"file_path": "a"}}, "timeout_ms": 300}, "result"]}`

func TestErrorsAreFoundByIsAndAs(t *testing.T) {
	_, err := New(Options{"max_turn": 3})
	var refused *Error
	if !errors.Is(err, ErrInvalidOption) || !errors.As(err, &refused) || refused.Pointer != "/max_turn" || refused.Remedy == "" {
		t.Fatalf("%#v", err)
	}
	_, err = Connect(context.Background(), Options{"env": map[string]string{
		"FAKE_CLAUDE": `{"on_start": [{"stderr": "no login\n"}, {"exit": 3}]}`}})
	if !errors.Is(err, ErrProcess) || !errors.As(err, &refused) || *refused.ExitCode != 3 || !strings.Contains(refused.Stderr, "no login") {
		t.Fatalf("%#v", err)
	}
}

func TestConnectEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, err := Connect(ctx, Options{"env": map[string]string{"FAKE_CLAUDE": `{"on_initialize": []}`}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
}

func TestNextEndsWithItsContextAndLosesNothing(t *testing.T) {
	c := fake(t, `{}`)
	for range 20 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		if _, err := c.Next(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		cancel()
	}
	expectText(t, c, "Hello!", "Hello!")
}

func TestAWithdrawnPermissionEndsTheContextOfItsFunction(t *testing.T) {
	withdrawn := make(chan error, 1)
	c := fake(t, permission, func(c *Client) error {
		return c.OnPermission(func(ctx context.Context, asked *Request) (Answer, error) {
			<-ctx.Done()
			withdrawn <- ctx.Err()
			return Allow(), nil
		})
	})
	for _, err := range c.Ask(context.Background(), "Write.") {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := <-withdrawn; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestAnErrorOfAPermissionRefusesWithItsText(t *testing.T) {
	c := fake(t, permission, func(c *Client) error {
		return c.OnPermission(func(context.Context, *Request) (Answer, error) { return Answer{}, errors.New("not today") })
	})
	var said string
	for message, err := range c.Ask(context.Background(), "Write.") {
		if err != nil {
			t.Fatal(err)
		}
		said += message.Text()
	}
	if !strings.Contains(said, `"behavior":"deny"`) || !strings.Contains(said, "not today") {
		t.Fatal(said)
	}
}

func TestOneAnswerAtATime(t *testing.T) {
	c := fake(t, `{}`)
	for range c.Ask(context.Background(), "one") {
		if _, err := c.AskText(context.Background(), "two"); !errors.Is(err, ErrInvalidArgument) {
			t.Fatal(err)
		}
		break
	}
	expectText(t, c, "three", "three")
}

func TestANulIsCarriedOrRefused(t *testing.T) {
	c := fake(t, `{}`)
	expectText(t, c, "a\x00b", "a\x00b")
	if _, err := c.SetModel(context.Background(), "a\x00b"); !errors.Is(err, ErrInvalidArgument) {
		t.Fatal(err)
	}
}

func TestOperationsBehindTheEnd(t *testing.T) {
	c := fake(t, `{}`)
	for range 3 {
		if err := c.Disconnect(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Interrupt(context.Background()); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := nextUntilEnd(c); !errors.Is(err, ErrClosed) {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Query("too late"); !errors.Is(err, ErrInvalidHandle) {
		t.Fatal(err)
	}
}

func nextUntilEnd(c *Client) (Message, error) {
	for {
		if message, err := c.Next(context.Background()); err != nil {
			return message, err
		}
	}
}

func TestManyGoroutinesOnOneClient(t *testing.T) {
	c := fake(t, `{}`)
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 50 {
				reply, err := c.GetMCPStatus(context.Background())
				if err != nil || !strings.Contains(string(reply), "mcpServers") {
					t.Errorf("%s, %v", reply, err)
				}
			}
		}()
	}
	for range 30 {
		expectText(t, c, "Hello!", "Hello!")
	}
	all.Wait()
}

func TestCloseEndsAReaderThatWaits(t *testing.T) {
	c := fake(t, `{}`)
	end := make(chan error)
	go func() {
		_, err := nextUntilEnd(c)
		end <- err
	}()
	time.Sleep(50 * time.Millisecond)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-end; !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

// farSide answers like a CLI, in the same process.
type farSide struct {
	sink   *Sink
	panics bool
}

func (f *farSide) Connect(sink *Sink) error {
	if f.panics {
		panic("no far side")
	}
	f.sink = sink
	return nil
}
func (f *farSide) EndInput() error { return f.sink.End(OK, 0, "") }
func (f *farSide) Close() error    { return nil }
func (f *farSide) Write(line []byte) error {
	var frame struct {
		Type      string
		RequestID string `json:"request_id"`
		UUID      string
	}
	if err := json.Unmarshal(line, &frame); err != nil {
		return err
	}
	reply := `{"type":"control_response","response":{"subtype":"success","request_id":"` + frame.RequestID + `","response":{}}}`
	if frame.Type == "user" {
		reply = `{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"from afar","session_id":"s"}`
	}
	return f.sink.Push([]byte(reply + "\n"))
}

func TestATransport(t *testing.T) {
	c, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err = errors.Join(c.SetTransport(&farSide{}), c.Connect(context.Background())); err != nil {
		t.Fatal(err)
	}
	expectText(t, c, "Who is there?", "from afar")
}

func TestAPanicOfATransportComesOut(t *testing.T) {
	c, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err = c.SetTransport(&farSide{panics: true}); err != nil {
		t.Fatal(err)
	}
	if err = c.Connect(context.Background()); !errors.Is(err, ErrCLIConnection) {
		t.Fatal(err)
	}
	var panicked *PanicError
	if _, err = c.Next(context.Background()); !errors.As(err, &panicked) || panicked.Value != "no far side" {
		t.Fatal(err)
	}
}

func TestTheLog(t *testing.T) {
	var mu sync.Mutex
	lines := 0
	if err := OnLog(LogDebug, func(LogLevel, string) {
		mu.Lock()
		lines++
		mu.Unlock()
		panic("nobody hears this")
	}); err != nil {
		t.Fatal(err)
	}
	expectText(t, fake(t, `{}`), "Hello!", "Hello!")
	if err := OnLog(LogOff, nil); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if lines == 0 {
		t.Fatal("no line")
	}
}

// A thousand conversations that wait cost goroutines, and no thread each.
func TestAThousandIdleClients(t *testing.T) {
	number := 1000
	if testing.Short() {
		number = 100
	}
	before, memory := status(t, "Threads"), status(t, "VmRSS")
	clients := make([]*Client, number)
	limit := make(chan struct{}, 16)
	var all sync.WaitGroup
	each := func(work func(int)) {
		for i := range clients {
			all.Add(1)
			limit <- struct{}{}
			go func() {
				defer all.Done()
				work(i)
				<-limit
			}()
		}
		all.Wait()
	}
	each(func(i int) { clients[i] = fake(t, `{}`) })
	reading, stop := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	for _, c := range clients { // each with a reader that waits
		readers.Add(1)
		go func() {
			defer readers.Done()
			for {
				if _, err := c.Next(reading); err != nil {
					return
				}
			}
		}()
	}
	time.Sleep(3 * time.Second) // the library's own threads for callbacks go after two
	threads := status(t, "Threads")
	t.Logf("%d clients: %d threads, %d before; %d kB each", number, threads, before, (status(t, "VmRSS")-memory)/number)
	if threads > before+40 {
		t.Errorf("%d threads for %d clients", threads, number)
	}
	stop()
	readers.Wait()
	each(func(i int) { expectText(t, clients[i], fmt.Sprint("Hello ", i), fmt.Sprint("Hello ", i)) })
	each(func(i int) { clients[i].Close() })
}
