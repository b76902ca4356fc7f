package claude

import (
	"encoding/json"
	"testing"
	"time"
)

// The last file of tests in the order of names, in which they run.
func TestNothingIsLeftBehind(t *testing.T) {
	if err := Shutdown(30 * time.Second); err != nil {
		t.Fatal(err)
	}
	stats, err := RuntimeStats()
	if err != nil {
		t.Fatal(err)
	}
	var left map[string]int
	if err := json.Unmarshal(stats, &left); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"clients", "spares", "errors", "strings", "events", "requests", "tool_calls", "session_stores", "store_calls", "threads", "children"} {
		if left[kind] != 0 {
			t.Errorf("%d %s", left[kind], kind)
		}
	}
}
