package main

import (
	"cmp"
	"go/token"
	"go/types"
	"maps"
	"math/bits"
	"slices"
)

// An arrow runs from a file to one that declares what the first uses: a name, a method or a field.
type arrow struct{ from, to string }

func (a arrow) compare(b arrow) int {
	return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
}

// A room is a large package.
type room struct {
	name  string
	order []string // of the files, from those that use to those that are used
	names map[arrow][]string
	back  []arrow // those that run against the order
}

func (r *room) arrows() int   { return len(r.names) }
func (r *room) possible() int { return len(r.order) * (len(r.order) - 1) }

// rooms returns the large ones, by name.
func (h *house) rooms() (rooms []room) {
	for _, p := range h.packages {
		if len(p.files) < largeRoom {
			continue
		}
		r := room{name: p.folder, names: p.arrows(h.files)}
		var files []string
		for _, f := range p.files {
			files = append(files, f.base())
		}
		r.order = ordered(files, r.names)
		r.back = against(r.order, r.names)
		rooms = append(rooms, r)
	}
	slices.SortFunc(rooms, func(a, b room) int { return cmp.Compare(a.name, b.name) })
	return rooms
}

// arrows returns the arrows between the files of the package, each with the names that make it.
func (p *packageOf) arrows(files *token.FileSet) map[arrow][]string {
	names := map[arrow][]string{}
	counted := map[*token.File]string{}
	for _, f := range p.files {
		counted[files.File(f.syntax.FileStart)] = f.base()
	}
	for id, used := range p.info.Uses {
		from, ok := counted[files.File(id.Pos())]
		if !ok || used.Pkg() != p.types {
			continue
		}
		to, ok := counted[files.File(origin(used).Pos())]
		a := arrow{from, to}
		if ok && from != to && !slices.Contains(names[a], used.Name()) {
			names[a] = append(names[a], used.Name())
		}
	}
	for _, list := range names {
		slices.Sort(list)
	}
	return names
}

// origin is where a method or a field of an instance of a generic type is declared.
func origin(o types.Object) types.Object {
	switch o := o.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return o
}

// exact is up to how many files of a knot the best order is searched for among all.
const exact = 18

// ordered returns the files in an order in which as few arrows as possible run back: knots (files
// that reach each other) one after another, since no arrow has to run back between two of them, and
// the files of a knot in the best of all orders, or, of more files than can be tried, in a good one.
func ordered(files []string, arrows map[arrow][]string) (order []string) {
	reach := reached(files, arrows)
	left := slices.Sorted(slices.Values(files))
	for len(left) > 0 {
		// Who is reached by none but its own knot comes next.
		next := slices.IndexFunc(left, func(f string) bool {
			return !slices.ContainsFunc(left, func(g string) bool { return reach[arrow{g, f}] && !reach[arrow{f, g}] })
		})
		first := left[next]
		knot := []string{first}
		left = slices.DeleteFunc(left, func(f string) bool {
			if f != first && reach[arrow{first, f}] && reach[arrow{f, first}] {
				knot = append(knot, f)
				return true
			}
			return f == first
		})
		if len(knot) <= exact {
			knot = best(knot, arrows)
		} else {
			knot = improved(knot, arrows)
		}
		order = append(order, knot...)
	}
	return order
}

// reached returns which file reaches which along arrows.
func reached(files []string, arrows map[arrow][]string) map[arrow]bool {
	reach := map[arrow]bool{}
	for a := range arrows {
		reach[a] = true
	}
	for _, over := range files {
		for _, from := range files {
			for _, to := range files {
				if reach[arrow{from, over}] && reach[arrow{over, to}] {
					reach[arrow{from, to}] = true
				}
			}
		}
	}
	return reach
}

// best returns the order with the fewest arrows back: for each set of files that may come first,
// what the best order of it costs, from the smaller sets on.
func best(files []string, arrows map[arrow][]string) []string {
	uses := make([]uint, len(files)) // of each file, as a set
	for a := range arrows {
		from, to := slices.Index(files, a.from), slices.Index(files, a.to)
		if from >= 0 && to >= 0 {
			uses[from] |= 1 << to
		}
	}
	cost, last := make([]int, 1<<len(files)), make([]int, 1<<len(files))
	for set := uint(1); set < 1<<len(files); set++ {
		cost[set] = len(arrows) + 1
		for f := range files {
			if set&(1<<f) == 0 {
				continue
			}
			before := set &^ (1 << f)
			if c := cost[before] + bits.OnesCount(uses[f]&before); c < cost[set] {
				cost[set], last[set] = c, f
			}
		}
	}
	order := make([]string, 0, len(files))
	for set := uint(1<<len(files) - 1); set != 0; set &^= 1 << last[set] {
		order = append(order, files[last[set]])
	}
	slices.Reverse(order)
	return order
}

// improved moves single files as long as fewer arrows run back then.
func improved(order []string, arrows map[arrow][]string) []string {
	fewest := len(against(order, arrows))
	for better := true; better; {
		better = false
		for i := range order {
			for j := range order {
				moved := slices.Delete(slices.Clone(order), i, i+1)
				moved = slices.Insert(moved, j, order[i])
				if n := len(against(moved, arrows)); n < fewest {
					order, fewest, better = moved, n, true
				}
			}
		}
	}
	return order
}

// against returns the arrows that run back up in that order.
func against(order []string, arrows map[arrow][]string) (back []arrow) {
	at := map[string]int{}
	for i, f := range order {
		at[f] = i + 1
	}
	for _, a := range slices.SortedFunc(maps.Keys(arrows), arrow.compare) {
		if at[a.to] > 0 && at[a.from] > at[a.to] {
			back = append(back, a)
		}
	}
	return back
}
