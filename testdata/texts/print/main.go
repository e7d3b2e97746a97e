// Command print writes every text that people can be shown, and says how easy they are to read.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"mxseal/testdata/texts"
)

func main() {
	out := flag.String("out", "testdata/texts/texts.txt", "`FILE` for the texts")
	long := flag.Int("long", 25, "list sentences of more `WORDS`")
	flag.Parse()
	if err := write(*out, *long); err != nil {
		fmt.Fprintln(os.Stderr, "texts:", err)
		os.Exit(1)
	}
}

func write(out string, long int) error {
	list, err := texts.All(".")
	if err != nil {
		return err
	}
	var b strings.Builder
	where := ""
	for _, t := range list {
		if t.Where != where {
			where = t.Where
			fmt.Fprintf(&b, "\n%s\n", where)
		}
		fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(t.Text, "\n", "\n  "))
	}
	n := 0
	for _, t := range list {
		for _, s := range texts.Sentences(t.Text) {
			if words := len(strings.Fields(s)); words > long {
				n++
				fmt.Printf("%d words, %s: %s\n", words, t.Where, s)
			}
		}
	}
	ease, sentences, words := texts.Ease(list)
	fmt.Printf("%d texts in %s, %d sentences, %d words; %d sentences of more than %d words\nFlesch reading ease: %.1f (at least 55 is wanted)\n", len(list), out, sentences, words, n, long, ease)
	return os.WriteFile(out, []byte(b.String()), 0o644)
}
