module claude-client/go

go 1.23
