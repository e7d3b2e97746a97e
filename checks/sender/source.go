package sender

import "embed"

// Source is this package as Go source: what it says of its words is what the description of the API says
// of them.
//
//go:embed *.go
var Source embed.FS
