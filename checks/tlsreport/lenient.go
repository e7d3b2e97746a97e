package tlsreport

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"mxseal/checks/report"
)

// The forms in which reporters write what RFC 8460 §4.4 asks for.

type policyIn struct {
	Policy struct {
		Type    word  `json:"policy-type"`
		Domain  word  `json:"policy-domain"`
		Strings words `json:"policy-string"`
		MXHosts words `json:"mx-host"`
	} `json:"policy"`
	Summary struct {
		Succeeded number `json:"total-successful-session-count"`
		Failed    number `json:"total-failure-session-count"`
	} `json:"summary"`
	Failures list[failureIn] `json:"failure-details"`
}

type failureIn struct {
	Result      word   `json:"result-type"`
	SendingIP   word   `json:"sending-mta-ip"`
	MX          word   `json:"receiving-mx-hostname"`
	ReceivingIP word   `json:"receiving-ip"`
	Sessions    number `json:"failed-session-count"`
	Additional  word   `json:"additional-information"`
	Reason      word   `json:"failure-reason-code"`
}

type dates struct {
	Start word `json:"start-datetime"`
	End   word `json:"end-datetime"`
}

// word is a text, or a number in its place. It comes clean; what is neither is none.
type word string

func (w *word) UnmarshalJSON(text []byte) error {
	var s string
	switch {
	case json.Unmarshal(text, &s) == nil:
	case len(text) > 0 && (text[0] == '-' || text[0] >= '0' && text[0] <= '9'):
		s = string(text)
	}
	*w = word(report.Clean(strings.TrimSpace(s), mostText))
	return nil
}

// words are texts in a list, or one without; a text of several lines is as many, also where only their
// escapes are left.
type words []string

var lineEnds = strings.NewReplacer(`\r\n`, "\n", `\n`, "\n", "\r", "\n")

func (w *words) UnmarshalJSON(text []byte) error {
	var l list[json.RawMessage]
	if err := l.UnmarshalJSON(text); err != nil && !errors.Is(err, errTooMany) {
		return err
	}
	for _, one := range l.items {
		var s string
		if json.Unmarshal(one, &s) != nil {
			continue
		}
		for line := range strings.SplitSeq(lineEnds.Replace(s), "\n") {
			line = report.Clean(strings.TrimSpace(line), mostText)
			if line != "" && len(*w) < mostStrings {
				*w = append(*w, line)
			}
		}
	}
	return nil
}

// number is a count of sessions, whole and not below zero, or such a text.
type number int64

func (n *number) UnmarshalJSON(text []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(text), `" `), 64)
	if err != nil || f < 0 || f > 1e15 || math.IsNaN(f) {
		f = 0
	}
	*n = number(f)
	return nil
}

var errTooMany = errors.New("more than a report has")

// list is values in a list, one without, or none. It is read one by one, so that no list takes
// more memory than its text before it is found too long.
type list[T any] struct {
	items []T
	there bool
}

func (l *list[T]) UnmarshalJSON(text []byte) error {
	text = bytes.TrimSpace(text)
	l.there = true
	switch {
	case len(text) == 0 || bytes.Equal(text, []byte("null")):
		return nil
	case text[0] != '[':
		l.items = make([]T, 1)
		return json.Unmarshal(text, &l.items[0])
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.Token() // the bracket
	for d.More() {
		if len(l.items) == mostFailures {
			return errTooMany
		}
		var one T
		if err := d.Decode(&one); err != nil {
			return err
		}
		l.items = append(l.items, one)
	}
	return nil
}

// layouts are those of dates, with a zone and without.
var layouts = []struct {
	layout string
	zone   bool
}{
	{time.RFC3339, true}, {"2006-01-02T15:04:05Z0700", true}, {"2006-01-02 15:04:05Z07:00", true}, {"2006-01-02 15:04:05 -0700", true}, {time.RFC1123Z, true}, {time.RFC1123, true},
	{"2006-01-02T15:04:05", false}, {"2006-01-02 15:04:05", false}, {"2006-01-02T15:04", false}, {"2006-01-02", false},
}

// readDate reads a time, and whether its zone is said; the zero time is none.
func readDate(said string) (t time.Time, zone bool) {
	for _, l := range layouts {
		if t, err := time.Parse(l.layout, said); err == nil && t.Year() > 2000 && t.Year() < 2200 {
			return t.UTC(), l.zone
		}
	}
	if n, err := strconv.ParseInt(said, 10, 64); err == nil && n > 1e9 && n < 7e9 { // seconds since 1970
		return time.Unix(n, 0).UTC(), true
	}
	return time.Time{}, false
}
