package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A house is the code of a module, with types.
type house struct {
	module    string
	files     *token.FileSet
	packages  []*packageOf
	elsewhere types.Importer // of what is not of this module
}

// A packageOf is what one folder holds.
type packageOf struct {
	folder string // from the root; with slashes
	dir    string
	files  []*file
	types  *types.Package
	info   *types.Info
}

// A file is one that is counted: neither a test nor generated.
type file struct {
	name   string // from the root; with slashes
	lines  int
	syntax *ast.File
}

// base is the name within the folder.
func (f *file) base() string { return f.name[strings.LastIndex(f.name, "/")+1:] }

// listed is what the go command says of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles, CgoFiles       []string
	Module                  *struct {
		Path, Dir string
		Main      bool
	}
}

// load reads the module whose root is dir. What it imports from elsewhere comes from the export
// data of the go command's cache.
func load(dir string) (*house, error) {
	list, err := goList(dir)
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	for _, p := range list {
		exports[p.ImportPath] = p.Export
	}
	h := &house{files: token.NewFileSet()}
	h.elsewhere = importer.ForCompiler(h.files, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	for _, p := range list { // what is imported comes before who imports it
		if p.Module == nil || !p.Module.Main {
			continue
		}
		h.module = p.Module.Path
		folder, err := filepath.Rel(p.Module.Dir, p.Dir)
		if err != nil {
			return nil, err
		}
		if err := h.add(filepath.ToSlash(folder), p); err != nil {
			return nil, err
		}
	}
	if h.module == "" {
		return nil, errors.New("no package of a module stands in " + dir)
	}
	return h, nil
}

func goList(dir string) ([]listed, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,CgoFiles,Module", "./...")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w", dir, err)
	}
	var list []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list in %s: %w", dir, err)
		}
		list = append(list, p)
	}
}

// Import returns a package of the house as it was read, so that a name is the same wherever it is
// used, and any other from what the compiler left of it.
func (h *house) Import(path string) (*types.Package, error) {
	for _, p := range h.packages {
		if p.types.Path() == path {
			return p.types, nil
		}
	}
	return h.elsewhere.Import(path)
}

// add parses and checks the package of one folder.
func (h *house) add(folder string, p listed) error {
	of := &packageOf{folder: folder, dir: p.Dir, info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Uses:  map[*ast.Ident]types.Object{},
		Defs:  map[*ast.Ident]types.Object{},
	}}
	var syntax []*ast.File
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		source, err := parser.ParseFile(h.files, filepath.Join(p.Dir, name), nil, parser.ParseComments)
		if err != nil {
			return err
		}
		syntax = append(syntax, source)
		if !ast.IsGenerated(source) {
			of.files = append(of.files, &file{
				name:   strings.TrimPrefix(folder+"/"+name, "./"),
				lines:  h.files.File(source.FileStart).LineCount() - 1, // the last one is empty
				syntax: source,
			})
		}
	}
	config := types.Config{Importer: h}
	checked, err := config.Check(p.ImportPath, h.files, syntax, of.info)
	of.types = checked
	h.packages = append(h.packages, of)
	return err
}
