package checks_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mxseal/checks/report"
)

// The phases that are published are those that the program can come to: what stands as a
// constant wherever a failure is made, and the commands of SMTP, each of which is one.
func TestPhases(t *testing.T) {
	emitted := map[string]string{}
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
		isPhase := func(e ast.Expr) bool {
			s, ok := e.(*ast.SelectorExpr)
			return ok && strings.EqualFold(s.Sel.Name, "phase")
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Phase" {
					note(n.Value)
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if isPhase(left) && len(n.Rhs) == len(n.Lhs) {
						note(n.Rhs[i])
					}
				}
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.Ident:
					name = f.Name
				case *ast.SelectorExpr:
					name = f.Sel.Name
				}
				// A command sets the phase, and failed of mtasts takes it first.
				if len(n.Args) > 0 && (name == "Command" || name == "Send" && strings.Contains(file, "smtp") || name == "failed" && strings.HasPrefix(file, "mtasts/")) {
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
	field, _ := reflect.TypeFor[report.Failure]().FieldByName("Phase")
	published := strings.Split(field.Tag.Get("enum"), ",")
	for phase, file := range emitted {
		if !slices.Contains(published, phase) {
			t.Errorf("%s comes to the phase %q, which is not published", file, phase)
		}
	}
	for _, phase := range published {
		if emitted[phase] == "" {
			t.Errorf("the phase %q is published, and nobody comes to it", phase)
		}
	}
}
