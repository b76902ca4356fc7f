//go:build !claude_static

package claude

// #cgo pkg-config: claude-client
import "C"
