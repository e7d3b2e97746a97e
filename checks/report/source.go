package report

import "embed"

// Source is this package as Go source. What its doc comments say of a type and its fields is
// what the description of the JSON form says of them: there is no second text to keep true.
//
//go:embed *.go
var Source embed.FS
