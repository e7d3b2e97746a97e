package templates

import (
	"strings"
	"time"

	"mxseal/checks/report"
)

// The style sheet knows verdicts, outcomes and letters by these names; so do the symbols. What a
// stored report may say beyond them is as if nothing were known.

func verdictClass(v report.Verdict) string {
	switch v {
	case report.Pass, report.Info, report.Warn, report.Fail, report.Untested:
		return string(v)
	}
	return "none"
}

// outcomeIcon is the symbol beside the word of an outcome.
func outcomeIcon(word string) string {
	switch word {
	case "Protected":
		return "auth"
	case "Encrypted":
		return "enc"
	case "Blocked, safe":
		return "pass"
	case "Readable":
		return "clear"
	case "Intercepted":
		return "stolen"
	case "Not delivered":
		return "fail"
	}
	return "unknown"
}

func gradeClass(l report.Letter) string {
	switch l {
	case "A+", "A":
		return "grade-a"
	case "B", "C", "D", "E", "F":
		return "grade-" + strings.ToLower(string(l))
	}
	return "grade-none"
}

// anchor is the place of a server, or of one of its addresses, on the page.
func anchor(host, ip string) string {
	if ip == "" {
		return "host-" + host
	}
	return "host-" + host + "-" + ip
}

// iso is a time for programs that read the page.
func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }
