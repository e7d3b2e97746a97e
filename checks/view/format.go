package view

import (
	"fmt"
	"strings"
	"time"
)

// Day is a date, Moment one with the time of day; UTC.
func Day(t time.Time) string    { return t.UTC().Format("2 Jan 2006") }
func Moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// Minute is a date with the time of day, where there is little room; UTC.
func Minute(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// Duration writes seconds as the largest whole unit.
func Duration(seconds int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"day", 86400}, {"hour", 3600}, {"minute", 60}} {
		if seconds >= u.size && seconds%u.size == 0 {
			return Plural(int(seconds/u.size), u.name)
		}
	}
	return Plural(int(seconds), "second")
}

// Took writes milliseconds as people do.
func Took(ms int64) string {
	if ms < 1000 {
		return "less than a second"
	}
	return fmt.Sprintf("%.1f seconds", float64(ms)/1000)
}

// Plural counts things.
func Plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// Capital begins a word of ours with a capital letter.
func Capital(word string) string {
	first := min(len(word), 1)
	return strings.ToUpper(word[:first]) + word[first:]
}

// Joined lists things in one line.
func Joined(list []string) string { return strings.Join(list, " · ") }

// YesNo writes an answer that may be missing.
func YesNo(b *bool) string {
	switch {
	case b == nil:
		return "not looked at"
	case *b:
		return "yes"
	}
	return "no"
}

// Version writes a protocol version as people do: TLS1.3 is TLS 1.3.
func Version[V ~string](v V) string {
	for _, name := range []string{"TLS", "SSL"} {
		if n, ok := strings.CutPrefix(string(v), name); ok && n != "" {
			return name + " " + strings.TrimSpace(n)
		}
	}
	return string(v)
}

// Versions writes several.
func Versions[V ~string](list []V) string {
	names := make([]string, len(list))
	for i, v := range list {
		names[i] = Version(v)
	}
	return Joined(names)
}
