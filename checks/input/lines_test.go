package input

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 3*MaxLine)
	l := NewLines(strings.NewReader("\ufeffexample.org # one\r\n\n# none\n \thttps://example.org/#top\n" + long + "\nuser#tag@example.org\t#tab\nlast"))
	for n, want := range []string{"example.org", "", "", "https://example.org/#top", long[:MaxLine], "user#tag@example.org", "last"} {
		if got, err := l.Next(); got != want || err != nil || l.N != n+1 {
			t.Errorf("line %d: %.50q, %v, want %.50q", l.N, got, err, want)
		}
	}
	if _, err := l.Next(); err != io.EOF {
		t.Errorf("after the last line: %v", err)
	}
}

func TestFaults(t *testing.T) {
	f := Faults{Most: 2}
	for n, want := range []string{"", "0", "0 1", "0 1 1 more lines", "0 1 2 more lines"} {
		if got := strings.Trim(fmt.Sprint(f.Told("lines")), "[]"); got != want || f.All != n {
			t.Errorf("%d faults: %s, want %s", f.All, got, want)
		}
		f.Add(errors.New(fmt.Sprint(n)))
	}
}
