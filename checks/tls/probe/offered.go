package probe

import (
	"fmt"
	"slices"
	"strings"

	"mxseal/checks/internal/hello"
)

// offered says what a ClientHello had in it, so that a probe can be made again by hand.
func offered(h *hello.Hello) string {
	if h.Version == hello.SSL2 {
		return "SSL2 CLIENT-HELLO, all 10 cipher kinds"
	}
	versions := h.Versions
	if len(versions) == 0 {
		versions = []uint16{h.Version}
	}
	parts := []string{
		named(versions, 4, "versions", hello.VersionName),
		named(h.Suites, 3, "suites", func(id uint16) string { return hello.SuiteOf(id).Name }),
	}
	if len(h.Groups) > 0 {
		parts = append(parts, named(h.Groups, 3, "groups", func(id uint16) string { return hello.GroupOf(id).Name }))
	}
	if h.Share != 0 {
		parts = append(parts, "key share of "+hello.GroupOf(h.Share).Name)
	}
	if n := len(h.Schemes); n > 0 && n < len(hello.Schemes) {
		parts = append(parts, named(h.Schemes, 4, "signature schemes", func(id uint16) string { return hello.SchemeOf(id).Name }))
	}
	if h.Compression {
		parts = append(parts, "compression")
	}
	if h.Resume != nil {
		parts = append(parts, "an earlier session")
	}
	if h.Version > hello.SSL3 {
		parts = append(parts, map[bool]string{true: "no server name", false: "name " + h.ServerName}[h.ServerName == ""])
	}
	return strings.Join(parts, "; ")
}

// named lists values by name if they are few, else their number. Values that nobody knows
// (GREASE) go by that word, signalling values by theirs.
func named(list []uint16, few int, what string, name func(uint16) string) string {
	var names []string
	for _, v := range list {
		switch {
		case v&0x0F0F == 0x0A0A:
			names = append(names, "GREASE")
		case v == hello.FallbackSCSV && what == "suites":
			names = append(names, "TLS_FALLBACK_SCSV")
		default:
			names = append(names, name(v))
		}
	}
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	text := fmt.Sprintf("%d %s", len(names), what)
	for _, special := range []string{"GREASE", "TLS_FALLBACK_SCSV"} {
		if slices.Contains(names, special) {
			text += " with " + special
		}
	}
	return text
}
