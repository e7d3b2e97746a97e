package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Every figure of the threat model is the constant of the code that it names.
func TestFiguresOfTheThreatModel(t *testing.T) {
	text, err := os.ReadFile("../../.github/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| ([0-9,]+)( s| ms| h| KiB| MiB)? \\| [^|]+ \\| `(\\w+)` \\| `([^`]+)` \\|$").FindAllStringSubmatch(string(text), -1)
	if lines := strings.Count(string(text), "\n| "); len(rows) < 40 || len(rows) != lines-strings.Count(string(text), "\n| at most ") {
		t.Errorf("%d rows understood of %d lines", len(rows), lines)
	}
	for _, row := range rows {
		number, err := strconv.ParseInt(strings.ReplaceAll(row[1], ",", ""), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		want := number * map[string]int64{"": 1, " ms": 1e6, " s": 1e9, " h": 3600e9, " KiB": 1 << 10, " MiB": 1 << 20}[row[2]]
		if got, err := figure(row[4], row[3]); err != nil || got != want {
			t.Errorf("%s%s: %s in %s is %d, %v", row[1], row[2], row[3], row[4], got, err)
		}
	}
	for _, m := range regexp.MustCompile(`(\d+)(?: [a-z ]+)? × (?:(\d+)(?: [a-z ]+)? × )?(\d+) = (\d+)`).FindAllStringSubmatch(string(text), -1) {
		product := 1
		for _, factor := range m[1:4] {
			if n, err := strconv.Atoi(factor); err == nil {
				product *= n
			}
		}
		if strconv.Itoa(product) != m[4] {
			t.Errorf("%s: it is %d", m[0], product)
		}
	}
}

// The connections of a look that a check sets aside are those that the look shares out.
func TestTheConnectionsOfALook(t *testing.T) {
	for _, c := range []struct{ file, ours, theirs string }{
		{"checks/purse.go", "wholeLook", "budgetStandard"},
		{"checks/purse.go", "wholeFull", "budgetFull"},
	} {
		aside, err := figure(c.file, c.ours)
		if err != nil {
			t.Fatal(err)
		}
		if shared, err := figure("checks/tls/gather.go", c.theirs); err != nil || shared != aside {
			t.Errorf("%s in %s is %d, %s in checks/tls/gather.go %d, %v", c.ours, c.file, aside, c.theirs, shared, err)
		}
	}
}

// figure returns what a source file sets a constant, or a field of a configuration, to; times
// in nanoseconds.
func figure(file, name string) (n int64, err error) {
	source, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", file), nil, 0)
	if err != nil {
		return 0, err
	}
	var values []ast.Expr
	ast.Inspect(source, func(node ast.Node) bool {
		switch v := node.(type) {
		case *ast.ValueSpec:
			for i, id := range v.Names {
				if id.Name == name && i < len(v.Values) {
					values = append(values, v.Values[i])
				}
			}
		case *ast.AssignStmt: // cfg.Session = …
			if field, ok := v.Lhs[0].(*ast.SelectorExpr); ok && field.Sel.Name == name {
				values = append(values, v.Rhs[0])
			}
		case *ast.KeyValueExpr: // http.Server{ReadTimeout: …}
			if key, ok := v.Key.(*ast.Ident); ok && key.Name == name {
				values = append(values, v.Value)
			}
		}
		return true
	})
	for _, v := range values {
		if n, err = valueOf(v); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s sets no %s to a number: %w", file, name, err)
}

// units are what package time calls them.
var units = map[string]int64{"Millisecond": 1e6, "Second": 1e9, "Minute": 60e9, "Hour": 3600e9}

func valueOf(e ast.Expr) (int64, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strconv.ParseInt(strings.ReplaceAll(e.Value, "_", ""), 0, 64)
	case *ast.SelectorExpr:
		if n := units[e.Sel.Name]; n != 0 {
			return n, nil
		}
	case *ast.CallExpr: // cmp.Or(given, default)
		if len(e.Args) == 2 {
			return valueOf(e.Args[1])
		}
	case *ast.BinaryExpr:
		x, err := valueOf(e.X)
		if err != nil {
			return 0, err
		}
		y, err := valueOf(e.Y)
		switch {
		case err != nil:
			return 0, err
		case e.Op == token.MUL:
			return x * y, nil
		case e.Op == token.SHL:
			return x << y, nil
		}
	}
	return 0, fmt.Errorf("%T is not understood", e)
}
