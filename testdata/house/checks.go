package main

import (
	"cmp"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"iter"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// known says which files outside its folder know a check.
type known struct {
	id string
	in []knowing
}

// knowing is such a file, and by what it knows the check: an import, its id, its rules (one, or a list
// of them with blanks between), names of the evidence that no other check uses.
//
// An id has a type (report.CheckID), and counts where the compiler takes a word for one. The same
// letters as a plain string are something else: a host of the lab named mx, a line of a policy file, the
// command STARTTLS, the flag --certificate. Where there is no such type every word counts.
type knowing struct {
	file string
	by   []string
}

// A topic is a check as this program sees it: a folder of checks with a doc.md.
type topic struct {
	folder, id string
	areas      []string // of its rules: the letters before the number
}

var ruleID = regexp.MustCompile(`^([A-Z]+)-[0-9]+$`)

// checks returns for each check who knows it, in the order of the folders.
func (h *house) checks() (list []known) {
	topics := h.topics()
	owned := h.owned(topics)
	for _, t := range topics {
		k := known{id: t.id}
		for _, p := range h.packages {
			if within(p.folder, t.folder) {
				continue
			}
			for _, f := range p.files {
				if by := h.knows(p, f, t, owned[t.folder]); len(by) > 0 {
					k.add(place(f.name), by)
				}
			}
		}
		slices.SortFunc(k.in, func(a, b knowing) int { return cmp.Compare(a.file, b.file) })
		list = append(list, k)
	}
	return list
}

// place is where what a file knows is counted. The worlds of the lab are one list, of which a check has
// its share: in which of its files a world stands follows from the letter that it gets.
func place(file string) string {
	if strings.HasPrefix(file, "checks/lab/worlds") {
		return "checks/lab/worlds*.go"
	}
	return file
}

func (k *known) add(place string, by []string) {
	i := slices.IndexFunc(k.in, func(other knowing) bool { return other.file == place })
	if i < 0 {
		k.in, i = append(k.in, knowing{file: place}), len(k.in)
	}
	for _, what := range by {
		if !slices.Contains(k.in[i].by, what) {
			k.in[i].by = append(k.in[i].by, what)
		}
	}
}

// topics finds the checks.
func (h *house) topics() (list []topic) {
	for _, p := range h.packages {
		if head, name, _ := strings.Cut(p.folder, "/"); head != "checks" || name == "" || strings.Contains(name, "/") {
			continue
		}
		if docs, _ := filepath.Glob(filepath.Join(p.dir, "doc.md")); docs == nil {
			continue
		}
		t := topic{folder: p.folder, id: strings.TrimPrefix(p.folder, "checks/")}
		if id, ok := p.types.Scope().Lookup("ID").(*types.Const); ok {
			t.id = constant.StringVal(id.Val())
		}
		for _, f := range p.files {
			if strings.Contains(f.base(), "rules") {
				for s := range literals(f.syntax) {
					if m := ruleID.FindStringSubmatch(s); m != nil && !slices.Contains(t.areas, m[1]) {
						t.areas = append(t.areas, m[1])
					}
				}
			}
		}
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b topic) int { return cmp.Compare(a.folder, b.folder) })
	return list
}

// owned returns the names of the evidence that one check alone uses, by the folder of that check.
func (h *house) owned(topics []topic) map[string]map[types.Object]string {
	users := map[types.Object][]string{}
	for _, p := range h.packages {
		i := slices.IndexFunc(topics, func(t topic) bool { return within(p.folder, t.folder) })
		if i < 0 {
			continue
		}
		for _, f := range p.files {
			for o := range p.used(f) {
				if !slices.Contains(users[o], topics[i].folder) {
					users[o] = append(users[o], topics[i].folder)
				}
			}
		}
	}
	owned := map[string]map[types.Object]string{}
	for _, t := range topics {
		owned[t.folder] = map[types.Object]string{}
	}
	for o, name := range h.evidence() {
		if by := users[o]; len(by) == 1 {
			owned[by[0]][o] = name
		}
	}
	return owned
}

// knows returns by what a file knows a check.
func (h *house) knows(p *packageOf, f *file, t topic, owned map[types.Object]string) (by []string) {
	add := func(what string) {
		if !slices.Contains(by, what) {
			by = append(by, what)
		}
	}
	for _, i := range f.syntax.Imports {
		if path, _ := strconv.Unquote(i.Path.Value); within(strings.TrimPrefix(path, h.module+"/"), t.folder) {
			add("import")
		}
	}
	for s, lit := range literals(f.syntax) {
		if s == t.id && h.mayBeID(p.info.Types[lit].Type) {
			add(strconv.Quote(s))
		}
		for _, rule := range rules(s) {
			if m := ruleID.FindStringSubmatch(rule); slices.Contains(t.areas, m[1]) {
				add(strconv.Quote(rule))
			}
		}
	}
	var names []string
	for o := range p.used(f) {
		if name := owned[o]; name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		add(name)
	}
	return by
}

// mayBeID reports whether a word of that type may be the id of a check.
func (h *house) mayBeID(t types.Type) bool {
	id := types.Universe.Lookup("string").Type()
	if pkg, err := h.Import(h.module + "/checks/report"); err == nil {
		if o := pkg.Scope().Lookup("CheckID"); o != nil {
			id = o.Type()
		}
	}
	return t != nil && types.Identical(t, id)
}

// rules are those that a text lists; none where it is no such list.
func rules(text string) []string {
	list := strings.Fields(text)
	if slices.ContainsFunc(list, func(s string) bool { return !ruleID.MatchString(s) }) {
		return nil
	}
	return list
}

// used returns the objects that a file names.
func (p *packageOf) used(f *file) map[types.Object]bool {
	objects := map[types.Object]bool{}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if o := cmp.Or(p.info.Uses[id], p.info.Defs[id]); o != nil {
				objects[origin(o)] = true
			}
		}
		return true
	})
	return objects
}

// evidence returns the names under which a check finds its evidence: the fields of report.Evidence,
// of a host and of an address there, with their types. What is further below is reached through
// one of these.
//
// That a host or an address was reached, when, with how many connections, or why not, is no check's own:
// the engine, the view and the operator's counters go by it whatever was checked there. These fields are
// those of a plain type (a name, a number, a time, a report.Failure).
func (h *house) evidence() map[types.Object]string {
	names := map[types.Object]string{}
	pkg, err := h.Import(h.module + "/checks/report")
	if err != nil {
		return names
	}
	for _, root := range []string{"Evidence", "Host", "Address"} {
		o := pkg.Scope().Lookup(root)
		if o == nil {
			continue
		}
		s, ok := o.Type().Underlying().(*types.Struct)
		for i := 0; ok && i < s.NumFields(); i++ {
			f := s.Field(i)
			if root != "Evidence" && plain(f.Type()) {
				continue
			}
			names[f] = root + "." + f.Name()
			if t := named(f.Type()); t != nil && t.Pkg() == pkg {
				names[t] = t.Name()
			}
		}
	}
	return names
}

// plain reports whether a field of that type says how a host or an address was reached.
func plain(t types.Type) bool {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name() == "Failure" || n.Obj().Pkg().Path() == "time"
	}
	_, basic := t.(*types.Basic)
	return basic
}

// named returns the name of a type, of what it points to or of what it lists.
func named(t types.Type) *types.TypeName {
	switch t := t.(type) {
	case *types.Pointer:
		return named(t.Elem())
	case *types.Slice:
		return named(t.Elem())
	case *types.Named:
		return t.Obj()
	}
	return nil
}

// literals yields the strings that stand in a file as a whole.
func literals(f *ast.File) iter.Seq2[string, *ast.BasicLit] {
	return func(yield func(string, *ast.BasicLit) bool) {
		for n := range ast.Preorder(f) {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING || slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool { return i.Path == lit }) {
				continue
			}
			if s, err := strconv.Unquote(lit.Value); err == nil && !yield(s, lit) {
				return
			}
		}
	}
}

// within reports whether a folder is the other or below it.
func within(folder, other string) bool {
	return folder == other || strings.HasPrefix(folder, other+"/")
}
