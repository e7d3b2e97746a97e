// House measures how the code hangs together, from the code itself: which files know each check,
// the arrows between the files of each large room, and what is too long to read in one sitting.
// It leaves out tests, generated code and testdata, and exits with 1 where a bound is missed.
//
//	go run ./testdata/house          # of this tree
//	go run ./testdata/house -C dir   # of another
package main

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// The bounds. Those on functions are what the code had at commit 63e8292, before its rooms got
// inner walls.
const (
	maxKnownIn   = 5  // files outside its folder that know a check
	largeRoom    = 8  // files from which on a room is looked at
	maxArrows    = 40 // percent of the possible arrows between the files of a large room
	maxBack      = 10 // percent of those arrows that run back up
	longFunction = 60 // lines
	maxLong      = 10
	complexity   = 15
	maxComplex   = 47
	longFile     = 400 // lines
	maxLongFiles = 0
)

func main() {
	dir := flag.String("C", ".", "root of the tree")
	all := flag.Bool("v", false, "print every arrow, and every function that is too long or too complex")
	flag.Parse()
	h, err := load(*dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "house:", err)
		os.Exit(2)
	}
	if missed := report(os.Stdout, h, *all); missed > 0 {
		fmt.Printf("\n%d bounds are missed.\n", missed)
		os.Exit(1)
	}
}

// report prints the figures and returns how many bounds are missed.
func report(w io.Writer, h *house, all bool) (missed int) {
	p := &printer{w: w}
	p.checks(h.checks())
	p.rooms(h.rooms(), all)
	p.functions(h, all)
	return p.missed
}

type printer struct {
	w      io.Writer
	missed int
}

// mark returns what stands before a line, and counts a bound that is missed.
func (p *printer) mark(kept bool) string {
	if kept {
		return "  "
	}
	p.missed++
	return "! "
}

func (p *printer) checks(list []known) {
	fmt.Fprintf(p.w, "Files that know a check, outside its folder: at most %d\n", maxKnownIn)
	for _, c := range list {
		fmt.Fprintf(p.w, "%s%-12s %d\n", p.mark(len(c.in) <= maxKnownIn), c.id, len(c.in))
		for _, f := range c.in {
			fmt.Fprintf(p.w, "      %-44s %s\n", f.file, strings.Join(f.by, " "))
		}
	}
}

func (p *printer) rooms(list []room, all bool) {
	fmt.Fprintf(p.w, "\nArrows between the files of a room of %d and more: under %d %% of those possible, under %d %% of them back up\n", largeRoom, maxArrows, maxBack)
	for _, r := range list {
		kept := 100*r.arrows() < maxArrows*r.possible() && 100*len(r.back) < maxBack*max(r.arrows(), 1)
		fmt.Fprintf(p.w, "%s%-28s %2d files %4d of %4d arrows %3d %%, back %3d %3d %%\n", p.mark(kept), r.name, len(r.order),
			r.arrows(), r.possible(), percent(r.arrows(), r.possible()), len(r.back), percent(len(r.back), r.arrows()))
		if !all {
			continue
		}
		fmt.Fprintf(p.w, "      %s\n", strings.Join(r.order, " "))
		for _, a := range slices.SortedFunc(maps.Keys(r.names), arrow.compare) {
			runs := "down"
			if slices.Contains(r.back, a) {
				runs = "BACK"
			}
			fmt.Fprintf(p.w, "      %s %s → %s (%s)\n", runs, a.from, a.to, strings.Join(r.names[a], " "))
		}
	}
}

func (p *printer) functions(h *house, all bool) {
	var long, complex []function
	for _, f := range h.functions() {
		if f.lines > longFunction {
			long = append(long, f)
		}
		if f.complexity > complexity {
			complex = append(complex, f)
		}
	}
	fmt.Fprintf(p.w, "\n%sfunctions over %d lines: %d (at most %d)\n", p.mark(len(long) <= maxLong), longFunction, len(long), maxLong)
	if all {
		for _, f := range long {
			fmt.Fprintf(p.w, "      %4d %s %s\n", f.lines, f.file, f.name)
		}
	}
	fmt.Fprintf(p.w, "%sfunctions with a cyclomatic complexity over %d: %d (at most %d)\n", p.mark(len(complex) <= maxComplex), complexity, len(complex), maxComplex)
	if all {
		slices.SortStableFunc(complex, func(a, b function) int { return cmp.Compare(b.complexity, a.complexity) })
		for _, f := range complex {
			fmt.Fprintf(p.w, "      %4d %s %s\n", f.complexity, f.file, f.name)
		}
	}
	files := h.longFiles()
	fmt.Fprintf(p.w, "%sfiles over %d lines: %d (at most %d)\n", p.mark(len(files) <= maxLongFiles), longFile, len(files), maxLongFiles)
	for _, f := range files {
		fmt.Fprintf(p.w, "      %4d %s\n", f.lines, f.name)
	}
}

func percent(n, of int) int {
	if of == 0 {
		return 0
	}
	return (100*n + of/2) / of
}
