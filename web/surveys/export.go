package surveys

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"mxseal/checks/adoption"
	"mxseal/checks/report"
	"mxseal/web/store"
)

// Format is a form in which a run is handed out.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	JSON    Format = "json"
	Parquet Format = "parquet"
)

// parquetRows are held until they are written as one group.
const parquetRows = 10_000

// Export writes what a run has found out: the domains or, where these are not to be named, the numbers.
func (s *Surveys) Export(ctx context.Context, to io.Writer, run store.Run, format Format, named bool) error {
	switch {
	case format == JSON:
		return s.exportJSON(ctx, to, run, named)
	case named && format == Parquet:
		return s.domainsParquet(ctx, to, run)
	case named:
		return s.domainsCSV(ctx, to, run)
	}
	t, err := s.Totals(ctx, run)
	if err != nil {
		return err
	}
	if format == Parquet {
		return writeParquet(to, func(take func(count) error) error { return each(counts(t), take) })
	}
	w := csv.NewWriter(to)
	w.Write([]string{"thing", "answer", "domains"}) // an error is that of Flush
	for _, c := range counts(t) {
		w.Write([]string{c.Thing, c.Answer, strconv.Itoa(int(c.Domains))})
	}
	w.Flush()
	return w.Error()
}

// count is a number as a row.
type count struct {
	Thing   string `parquet:"thing,dict"`
	Answer  string `parquet:"answer,dict"`
	Domains int64  `parquet:"domains"`
}

// counts are all numbers, in the order of the page.
func counts(t *adoption.Totals) (list []count) {
	add := func(thing string, of map[string]int) {
		for _, answer := range slices.Sorted(maps.Keys(of)) {
			list = append(list, count{thing, answer, int64(of[answer])})
		}
	}
	letters := make(map[string]int)
	for letter, n := range t.Letters {
		letters[string(letter)] = n
	}
	add("letter", letters)
	for _, a := range (adoption.Facts{}).Answers() {
		add(a.What, t.Adoption[a.What])
	}
	add("broken", t.Broken)
	add("why", t.Untested)
	labels, providers := make(map[string]int), make(map[string]int)
	for label, of := range t.Labels {
		labels[label] = of.Domains
	}
	for _, p := range t.Providers {
		providers[p.Name] = p.Domains
	}
	add("provider", providers)
	add("label", labels)
	return list
}

func (s *Surveys) domainsCSV(ctx context.Context, to io.Writer, run store.Run) error {
	w := csv.NewWriter(to)
	head := []string{"domain", "labels", "letter", "provisional", "why", "starttls", "certificate", "tls_1_3", "post_quantum", "dnssec", "dane", "mta_sts", "tls_rpt", "broken", "provider"}
	if err := w.Write(head); err != nil {
		return err
	}
	err := s.named(ctx, run, func(r Row) error {
		return w.Write([]string{r.Domain, strings.Join(r.Labels, "; "), string(r.Letter), strconv.FormatBool(r.Provisional), r.Why, string(r.STARTTLS), string(r.Certificate),
			string(r.TLS13), string(r.PQ), string(r.DNSSEC), string(r.DANE), r.MTASTS, string(r.TLSRPT), strings.Join(words(r.Broken), "; "), r.Provider})
	})
	w.Flush()
	return errors.Join(err, w.Error())
}

// column is a domain as a row of columns.
type column struct {
	Domain      string   `parquet:"domain"`
	Labels      []string `parquet:"labels,list"`
	Letter      string   `parquet:"letter,dict"`
	Provisional bool     `parquet:"provisional"`
	Why         string   `parquet:"why,dict"`
	STARTTLS    string   `parquet:"starttls,dict"`
	Certificate string   `parquet:"certificate,dict"`
	TLS13       string   `parquet:"tls_1_3,dict"`
	PQ          string   `parquet:"post_quantum,dict"`
	DNSSEC      string   `parquet:"dnssec,dict"`
	DANE        string   `parquet:"dane,dict"`
	MTASTS      string   `parquet:"mta_sts,dict"`
	TLSRPT      string   `parquet:"tls_rpt,dict"`
	Broken      []string `parquet:"broken,list"`
	Provider    string   `parquet:"provider,dict"`
}

// words are promises as they are written.
func words(promises []report.Promise) []string {
	list := make([]string, len(promises))
	for i, p := range promises {
		list[i] = string(p)
	}
	return list
}

func (s *Surveys) domainsParquet(ctx context.Context, to io.Writer, run store.Run) error {
	return writeParquet(to, func(take func(column) error) error {
		return s.named(ctx, run, func(r Row) error {
			return take(column{r.Domain, r.Labels, string(r.Letter), r.Provisional, r.Why, string(r.STARTTLS), string(r.Certificate), string(r.TLS13), string(r.PQ),
				string(r.DNSSEC), string(r.DANE), r.MTASTS, string(r.TLSRPT), words(r.Broken), r.Provider})
		})
	})
}

// named hands on the rows of a run but those of domains whose owner has asked to be left alone.
func (s *Surveys) named(ctx context.Context, run store.Run, take func(Row) error) error {
	return s.Rows(ctx, run, func(r Row) error {
		if s.Left(r.Domain) {
			return nil
		}
		return take(r)
	})
}

// Left reports whether the owner of a domain has asked to be left alone.
func (s *Surveys) Left(domain string) bool { return s.cfg.OptedOut != nil && s.cfg.OptedOut(domain) }

// writeParquet writes rows, some thousand at a time.
func writeParquet[T any](to io.Writer, rows func(take func(T) error) error) error {
	w := parquet.NewGenericWriter[T](to, parquet.Compression(&parquet.Zstd))
	n := 0
	err := rows(func(row T) error {
		if _, err := w.Write([]T{row}); err != nil {
			return err
		}
		if n++; n%parquetRows == 0 {
			return w.Flush()
		}
		return nil
	})
	return errors.Join(err, w.Close())
}

func each[T any](list []T, take func(T) error) error {
	for _, one := range list {
		if err := take(one); err != nil {
			return err
		}
	}
	return nil
}

// exportJSON writes an object with the totals and, where they are named, the domains, one a line.
func (s *Surveys) exportJSON(ctx context.Context, w io.Writer, run store.Run, named bool) error {
	totals, err := s.Totals(ctx, run)
	if err != nil {
		return err
	}
	head, err := json.Marshal(struct {
		Survey string           `json:"survey"`
		Began  time.Time        `json:"began"`
		Ended  time.Time        `json:"ended"`
		Looks  int              `json:"looks"` // at mail servers
		Totals *adoption.Totals `json:"totals"`
	}{run.Survey, run.Began, run.Ended, run.Looks, totals})
	if err != nil {
		return err
	}
	if !named {
		_, err := fmt.Fprintf(w, "%s\n", head)
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\"domains\":[", head[:len(head)-1]); err != nil {
		return err
	}
	between := "\n"
	err = s.named(ctx, run, func(r Row) error {
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s%s", between, line)
		between = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}
