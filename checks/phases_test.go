package checks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// The phases that are published are those that the program can come to: the constants that it uses
// outside of the rooms that only read, and the commands of SMTP, each of which is one.
func TestPhases(t *testing.T) {
	published, emitted := constants(t, "Phase"), map[string]string{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") ||
			strings.HasPrefix(file, "lab/") || strings.Contains(file, "smtptest") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return err
		}
		note := func(e ast.Expr) {
			if b, ok := e.(*ast.BinaryExpr); ok { // "EHLO " + name
				e = b.X
			}
			if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				verb, _, _ := strings.Cut(strings.ToLower(text), " ")
				if verb == "helo" { // goes by the name of EHLO
					verb = "ehlo"
				}
				emitted[verb] = file
			}
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if phase, known := published[n.Sel.Name]; known {
					emitted[phase] = file
				}
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.Ident:
					name = f.Name
				case *ast.SelectorExpr:
					name = f.Sel.Name
				}
				if len(n.Args) > 0 && (name == "Command" || name == "Send" && strings.Contains(file, "smtp")) { // which sets the phase
					note(n.Args[0])
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for phase, file := range emitted {
		if !slices.Contains(slices.Collect(maps.Values(published)), phase) {
			t.Errorf("%s comes to the phase %q, which is not published", file, phase)
		}
	}
	for _, phase := range published {
		if emitted[phase] == "" {
			t.Errorf("the phase %q is published, and nobody comes to it", phase)
		}
	}
}

// constants are those of a type in the language of the house, by their names.
func constants(t *testing.T, of string) map[string]string {
	t.Helper()
	list := make(map[string]string)
	files, err := report.Source.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := report.Source.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(\w+) +`+of+` += "([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
			list[m[1]] = m[2]
		}
	}
	return list
}
