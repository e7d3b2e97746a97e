package main

import (
	"go/ast"
	"go/token"
)

// A function is one with a body and a name.
type function struct {
	file, name        string
	lines, complexity int
}

// functions returns every function, in the order of the files.
func (h *house) functions() (all []function) {
	for _, p := range h.packages {
		for _, f := range p.files {
			for _, d := range f.syntax.Decls {
				if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
					lines := h.files.Position(d.End()).Line - h.files.Position(d.Pos()).Line + 1
					all = append(all, function{f.name, d.Name.Name, lines, cyclomatic(d)})
				}
			}
		}
	}
	return all
}

// longFiles returns the files over the bound.
func (h *house) longFiles() (long []*file) {
	for _, p := range h.packages {
		for _, f := range p.files {
			if f.lines > longFile {
				long = append(long, f)
			}
		}
	}
	return long
}

// cyclomatic returns 1 and what branches: if, for, case, && and ||, with those of the functions
// inside. What is left over (default) is no branch.
func cyclomatic(n ast.Node) int {
	branches := 1
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			branches++
		case *ast.CaseClause:
			if n.List != nil {
				branches++
			}
		case *ast.CommClause:
			if n.Comm != nil {
				branches++
			}
		case *ast.BinaryExpr:
			if n.Op == token.LAND || n.Op == token.LOR {
				branches++
			}
		}
		return true
	})
	return branches
}
