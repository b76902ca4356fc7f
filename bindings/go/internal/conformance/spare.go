package main

import (
	"context"

	claude "claude-client/go"
)

var spare *claude.Spare

// spare makes one with what the case has, or lets go of it.
func (s step) spare(ctx context.Context) (err error) {
	if spare != nil {
		spare.Close()
		spare = nil
	}
	if s.Spare == "free" {
		line("freed")
		return nil
	}
	spare, err = claude.NewSpare(ctx, all.Options, register)
	return said("parked", err)
}

// claim makes a session of it, and reads the answer to its prompt.
func (s step) claim(ctx context.Context) error {
	claimed, err := spare.Claim(ctx, s.Claim, s.Prompt)
	if err != nil {
		return err
	}
	client = claimed
	line("claimed")
	for over := s.Prompt == ""; !over; {
		message, err := client.Next(ctx)
		if err != nil {
			return err
		}
		show(message, false)
		over = message.Kind == claude.KindResult
	}
	return nil
}
