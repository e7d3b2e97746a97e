package input

import (
	"io"
	"strings"
	"testing"
)

func TestRows(t *testing.T) {
	for name, c := range map[string]struct{ list, want string }{
		"domains alone":           {"a.example\nb.example\n", "a.example()b.example()"},
		"labels":                  {"a.example, x ,y\n# none\nb.example", "a.example(x|y)()b.example()"},
		"a heading":               {"\ufeffDomain\r\na.example\r\n", "()a.example()"},
		"headings":                {"Domain Name;Ministry\na.example;\"x; y\"\n", "()a.example(x; y)"},
		"domains further behind":  {"id,Ministry,domain,province\n1,x,a.example,y\n2,\"x, z\",b.example,\n3\n", "()a.example(y)b.example()3()"},
		"another heading":         {"Rank\tHost name\n1\ta.example\n", "()a.example()"},
		"the first of several":    {"name,domain\nx,a.example\n", "()a.example()"},
		"a name is no heading":    {"domain.example,x\nname.example", "domain.example(x)name.example()"},
		"nor is another word":     {"localhost\nmail_domain,x\n", "localhost()mail_domain(x)"},
		"in other languages":      {"Ministerie;Domeinnaam\nx;a.example\n", "()a.example()"},
		"not in the first line":   {"a.example\ndomain\n", "a.example()domain()"},
		"ranked":                  {"1,a.example\n2,b.example\n", "a.example()b.example()"},
		"a number and a label":    {"a.example,2\n", "a.example(2)"},
		"a number alone":          {"1\n", "1()"},
		"quoted":                  {"\"a.example\",\"x, \"\"y\"\"\"\n\"b.example\"\n", `a.example(x, "y")b.example()`},
		"semicolons":              {"a.example;x, y\n", "a.example(x, y)"},
		"commas":                  {"a.example,x; y\n", "a.example(x; y)"},
		"tabs":                    {"a.example\t\"x\"\ty, z\n", "a.example(x|y, z)"},
		"a quote that never ends": {"a.example,\"x\n", `a.example("x)`},
		"an address":              {"\"Doe, J\" <j@a.example>\n", `"Doe, J" <j@a.example>()`},
		"an address with a name":  {"\"J\" <j@a.example>\n", `"J" <j@a.example>()`},
		"nothing":                 {",\n\"\n,a.example\n", "()\"()(a.example)"},
	} {
		rows, got := NewRows(strings.NewReader(c.list)), ""
		for {
			domain, labels, err := rows.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got += domain + "(" + strings.Join(labels, "|") + ")"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestListsInUTF16(t *testing.T) {
	for _, list := range []string{"\xff\xfea\x00.\x00e\x00\n\x00", "\xfe\xff\x00a\x00.\x00e\x00\n"} {
		if _, _, err := NewRows(strings.NewReader(list)).Next(); err != errUTF16 {
			t.Errorf("%q: %v", list, err)
		}
	}
}
