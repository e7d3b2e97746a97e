package fields

import (
	"strings"
	"testing"

	"mxseal/checks/view"
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		txts  string // with bars between
		want  string
		blank bool
	}{
		{"v=X1; a=b", "v=X1; a=b", false},
		{"v=X1 ; a=b", "v=X1 ; a=b", true},
		{"v=X1\t; a=b", "v=X1\t; a=b", true},
		{"v=X1 ; a=b|other", "", false},
		{"v=X1 ; a=b|v=X1; c=d", "v=X1; c=d", false},
		{"v=X1; a=b|v=X1; c=d", "v=X1; a=b|v=X1; c=d", false},
		{"v=X1 a=b", "", false},
		{"v=X1", "", false},
		{"v=X10; a=b", "", false},
		{"V=X1; a=b", "", false},
		{" v=X1; a=b", "", false},
		{"v=X1\u00a0; a=b", "", false},
		{";", "", false},
		{"", "", false},
	} {
		got := Choose(strings.Split(c.txts, "|"), "v=X1")
		if s := strings.Join(got.Records, "|"); s != c.want || got.Blank != c.blank {
			t.Errorf("%q: %q, blank %v", c.txts, s, got.Blank)
		}
	}
}

func TestMeant(t *testing.T) {
	for _, c := range []struct {
		txt    string
		why    string
		before bool
	}{
		{"v=x1; a=b", "exactly v=X1;", false},
		{"v=X1", "exactly v=X1;", false},
		{"v = X1; a=b", "exactly v=X1;", false},
		{"v=X1\u00a0; a=b", "no-break space (U+00A0)", false},
		{"v\u2003=X1; a=b", "no plain blank (U+2003)", false},
		{"v=X1 ; a=b", "between the version and its semicolon", false},
		{`"v=X1; a=b"`, "quotation mark", true},
		{"“v=X1; a=b”", "outside of ASCII (U+201C)", true},
		{"\u00a0v=X1; a=b", "no-break space", true},
		{"v=X10; a=b", "", false},
		{"v=X2; a=b", "", false},
		{"v=spf1", "", false},
		{"v", "", false},
		{"", "", false},
	} {
		why, before := Meant(c.txt, "v=X1")
		if why.Made() != (c.why != "") || !strings.Contains(view.Say(why), c.why) || before != c.before {
			t.Errorf("%q: %v, before %v", c.txt, why, before)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		record   string
		want     string // names and values, and what is wrong with a field
		trailing bool
	}{
		{"v=X1; a=b", "a>b", false},
		{"v=X1;a=b\t;\tc=d;", "a>b c>d", false},
		{"v=X1; a=b ", "a>b", true},
		{"v=X1; a=b; ", "a>b", false},
		{"v=X1;", "", false},
		{"v=X1;;", "!there is nothing", false},
		{"v=X1; a =b", "!a blank", false},
		{"v=X1; a= b", "!a blank", false},
		{"v=X1; a\u00a0=b", "!it holds a no-break", false},
		{"v=X1; a=\u00a0b", "!it holds a no-break", false},
		{"v=X1; a", "!it is not a name", false},
		{"v=X1; =b", "!its name", false},
		{"v=X1; _a=b", "!its name", false},
		{"v=X1; a=b\u00a0", "a>b\u00a0", false}, // what a value may hold is for others to say
	} {
		list, trailing := Split(c.record)
		var got []string
		for _, f := range list {
			if f.Fault.Made() {
				got = append(got, "!"+view.Say(f.Fault))
			} else {
				got = append(got, f.Name+">"+f.Value)
			}
		}
		if s := strings.Join(got, " "); !strings.HasPrefix(s, c.want) || (c.want == "") != (s == "") || trailing != c.trailing {
			t.Errorf("%q: %q, trailing %v", c.record, s, trailing)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"v=X1; a=b", "v=X1 ;;a = b", "v=X1;\u00a0a=b;", "v=X1; =", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, txt string) {
		Choose([]string{txt}, "v=X1")
		Meant(txt, "v=X1")
		list, _ := Split(txt)
		for _, field := range list {
			if !field.Fault.Made() && field.Name+"="+field.Value != field.Text {
				t.Errorf("%q gives %+v", txt, field)
			}
		}
	})
}
