package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	claude "claude-client/go"
)

// memoryStore keeps each append as it comes, and a summary for each session. It waits before it answers, as the case says.
type memoryStore struct {
	after  time.Duration
	panics bool
	mu     sync.Mutex
	kept   map[claude.StoreKey]*kept
	newest int64
}

type kept struct {
	entries [][]byte // lists without their brackets
	mtime   int64
	summary json.RawMessage
}

// begin waits, and takes the store.
func (s *memoryStore) begin() func() {
	if s.panics {
		panic(failed)
	}
	time.Sleep(s.after)
	s.mu.Lock()
	return s.mu.Unlock
}

func (s *memoryStore) Append(_ context.Context, key claude.StoreKey, entries json.RawMessage) error {
	defer s.begin()()
	all := s.kept[key]
	if all == nil {
		all = &kept{}
		s.kept[key] = all
	}
	if more := entries[1 : len(entries)-1]; len(more) > 0 {
		all.entries = append(all.entries, more)
	}
	// Two appends within a millisecond are in their order all the same.
	s.newest = max(time.Now().UnixMilli(), s.newest+1)
	all.mtime = s.newest
	if key.Subpath != "" {
		return nil
	}
	return all.fold(key, entries)
}

func (k *kept) fold(key claude.StoreKey, entries json.RawMessage) error {
	made, err := claude.FoldSummary(k.summary, key, entries)
	if err != nil {
		return err
	}
	var summary map[string]any
	if err = json.Unmarshal(made, &summary); err != nil {
		return err
	}
	summary["mtime"] = k.mtime
	k.summary, err = json.Marshal(summary)
	return err
}

func (s *memoryStore) Load(_ context.Context, key claude.StoreKey) (json.RawMessage, error) {
	defer s.begin()()
	all := s.kept[key]
	if all == nil {
		return nil, nil
	}
	return json.RawMessage("[" + string(bytes.Join(all.entries, []byte(","))) + "]"), nil
}

func (s *memoryStore) List(_ context.Context, project string) (rows []claude.StoredSession, _ error) {
	defer s.begin()()
	for key, all := range s.kept {
		if key.ProjectKey == project && key.Subpath == "" {
			rows = append(rows, claude.StoredSession{SessionID: key.SessionID, MTime: all.mtime})
		}
	}
	return rows, nil
}

func (s *memoryStore) Summaries(_ context.Context, project string) (rows []json.RawMessage, _ error) {
	defer s.begin()()
	for key, all := range s.kept {
		if key.ProjectKey == project && key.Subpath == "" {
			rows = append(rows, all.summary)
		}
	}
	return rows, nil
}

func (s *memoryStore) Remove(_ context.Context, gone claude.StoreKey) error {
	defer s.begin()()
	for key := range s.kept {
		if key == gone || gone.Subpath == "" && isOf(gone, key) {
			delete(s.kept, key)
		}
	}
	return nil
}

func (s *memoryStore) ListSubkeys(_ context.Context, session claude.StoreKey) (subpaths []string, _ error) {
	defer s.begin()()
	for key := range s.kept {
		if isOf(session, key) && key.Subpath != "" {
			subpaths = append(subpaths, key.Subpath)
		}
	}
	return subpaths, nil
}

func isOf(session, key claude.StoreKey) bool {
	return key.ProjectKey == session.ProjectKey && key.SessionID == session.SessionID
}

var opened *claude.SessionStore

// sessionStore is the store of the case, for all of its clients.
func sessionStore() (*claude.SessionStore, error) {
	if opened != nil {
		return opened, nil
	}
	var err error
	switch how := all.Store; how.Do {
	case "memory":
		opened, err = claude.NewMemoryStore()
	default:
		opened, err = claude.NewSessionStore(&memoryStore{
			after: time.Duration(how.AfterMS) * time.Millisecond, panics: how.Do == "throw", kept: map[claude.StoreKey]*kept{},
		})
	}
	return opened, err
}

func (s step) store() error {
	store, err := sessionStore()
	if err != nil {
		return err
	}
	switch s.Store {
	case "check":
		report, err := store.Check(time.Minute)
		if err != nil {
			return err
		}
		var count struct{ Passed, Failed, Skipped int }
		err = json.Unmarshal(report, &count)
		line("checked: %d passed, %d failed, %d skipped", count.Passed, count.Failed, count.Skipped)
		return err
	case "list":
		list, err := store.List(s.directory(), time.Minute)
		if err != nil {
			return err
		}
		return listSessions("stored", list)
	default:
		result, err := store.Import(s.ID, nil, time.Minute)
		if err != nil {
			return err
		}
		var count struct{ Entries int }
		err = json.Unmarshal(result, &count)
		line("imported %d", count.Entries)
		return err
	}
}

func (s step) directory() claude.Options {
	if s.Directory == "" {
		return nil
	}
	return claude.Options{"directory": s.Directory}
}

func listSessions(word string, list json.RawMessage) error {
	var rows []struct {
		Summary, Tag string
		Archived     bool
	}
	err := json.Unmarshal(list, &rows)
	for _, row := range rows {
		words := []string{word, row.Summary}
		if row.Tag != "" {
			words = append(words, "tag", row.Tag)
		}
		if row.Archived {
			words = append(words, "archived")
		}
		line("%s", strings.Join(words, " "))
	}
	return err
}
