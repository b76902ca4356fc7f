//go:build claude_static

package claude

// The environment names the static library, since pkg-config prefers the shared one:
// CGO_CFLAGS="$(pkg-config --cflags claude-client)" CGO_LDFLAGS="$(pkg-config --variable=static_libs claude-client)"

import "C"
