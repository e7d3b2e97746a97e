package surveys

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"mxseal/checks/input"
	"mxseal/web/store"
)

func parse(typed string) (input.Domain, error) { return input.Parse(typed, true) }

// plain takes everything; it is quick.
func plain(typed string) (input.Domain, error) { return input.Domain{ASCII: typed}, nil }

func all(t *testing.T, l *List) (lines []store.Line) {
	t.Helper()
	for {
		line, more, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return lines
		}
		lines = append(lines, line)
	}
}

func TestList(t *testing.T) {
	long := strings.Repeat("x", 3*input.MaxLine)
	l := NewList(strings.NewReader("\ufeffExample.org, Ministry ,,two\x1b[31m\r\n\n# all of it\nbücher.example # a shop\nno mail domain\nexample.org,a,b,c,d,e\n"+
		"l.example,"+strings.Repeat("ä", 100)+"\n"+long+"\nlast.example"), parse)
	got := all(t, l)
	want := []store.Line{
		{Domain: "example.org", Labels: []string{"Ministry", "two"}},
		{Domain: "xn--bcher-kva.example", Labels: []string{}},
		{Domain: "example.org", Labels: []string{"a", "b", "c", "d"}},
		{Domain: "l.example"},
		{Domain: "last.example", Labels: []string{}},
	}
	if len(got) != len(want) || len(got[3].Labels) != 1 || len(got[3].Labels[0]) > maxLabel+len("…") {
		t.Fatalf("got %q", got)
	}
	if label := got[0].Labels[1]; !strings.HasPrefix(label, "two") || strings.Contains(label, "\x1b") {
		t.Errorf("a label is %q", label)
	}
	want[0].Labels[1], want[3].Labels = got[0].Labels[1], got[3].Labels
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if first := l.Faults.First; l.Faults.All != 2 || len(first) != 2 || !strings.HasPrefix(first[0].Error(), "line 5: no mail domain: ") || !strings.HasPrefix(first[1].Error(), "line 8: xxx") || len(first[1].Error()) > 500 {
		t.Errorf("%+v", l.Faults)
	}
}

// repeated is a text that comes again and again.
type repeated struct {
	text string
	n    int
	left string
}

func (r *repeated) Read(b []byte) (int, error) {
	if r.left == "" {
		if r.n == 0 {
			return 0, io.EOF
		}
		r.left, r.n = r.text, r.n-1
	}
	n := copy(b, r.left)
	r.left = r.left[n:]
	return n, nil
}

func TestAListHasBounds(t *testing.T) {
	for name, c := range map[string]struct {
		from  io.Reader
		parse func(string) (input.Domain, error)
		says  string
	}{
		"junk without end":    {&repeated{text: strings.Repeat("\n", 10000), n: 1000}, parse, "more than 2000000 lines"},
		"domains without end": {&repeated{text: strings.Repeat("a.example\n", 1000), n: 100000}, plain, "more than 1000000 domains"},
		"a disk that fails":   {io.MultiReader(strings.NewReader("a.example\n"), broken{}), parse, "line 2: gone"},
	} {
		l := NewList(c.from, c.parse)
		var err error
		for more := true; more && err == nil; {
			_, more, err = l.Next()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	l := NewList(&repeated{text: "what is this?\n", n: 1000}, parse)
	if got := all(t, l); len(got) != 0 || l.Faults.All != 1000 || len(l.Faults.First) != maxFaults {
		t.Errorf("%d domains, %d faults, %d of them named", len(got), l.Faults.All, len(l.Faults.First))
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("gone") }

func FuzzList(f *testing.F) {
	f.Add("example.org,label\n# no\n\xff\x00,\n")
	f.Fuzz(func(t *testing.T, text string) {
		l := NewList(strings.NewReader(text), parse)
		for {
			line, more, err := l.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				return
			}
			if _, err := parse(line.Domain); err != nil || len(line.Labels) > maxLabels {
				t.Fatal(fmt.Sprint(line), err)
			}
		}
	})
}
