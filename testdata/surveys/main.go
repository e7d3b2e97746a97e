// Command surveys measures what a survey takes: a list of domains, most of which share their mail
// servers with others, a round trip away. It prints a table: domains a second, processor time, memory,
// looks at servers for each address; what a kill under way leaves; and what a million domains take.
//
// Two processes share the machine: the program and the internet that it looks at. The processor
// time of both is printed, as they take it from each other.
package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"mxseal/testdata/daemon"
	"mxseal/testdata/faults/world"
	"mxseal/web/surveys"
)

var (
	domains  = flag.Int("domains", 10000, "of the list")
	trip     = flag.Duration("trip", 50*time.Millisecond, "round trip to every server")
	kills    = flag.Int("kills", 10, "how often a run is killed")
	reports  = flag.Int("reports", 2_000_000, "kept reports among which those of a domain are looked for")
	page     = flag.Int("page", 1_000_000, "domains of a survey whose page is measured")
	only     = flag.Bool("only-page", false, "measure that alone")
	sharing  = flag.Bool("only-shared", false, "measure what shares a PostgreSQL alone")
	internet = flag.String("internet", "", "be the internet, with the files in this `DIR` (for the program's own use)")
)

func main() {
	flag.Parse()
	do := measure
	if *internet != "" {
		do = beInternet
	}
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "surveys:", err)
		os.Exit(1)
	}
}

// beInternet opens the servers and answers each line with how many questions and connections there were.
func beInternet() error {
	signal.Ignore(os.Interrupt)
	w, err := world.New(*internet)
	if err != nil {
		return err
	}
	defer w.Close()
	met, err := w.List(*trip)
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(w.Flags(), " "))
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		fmt.Println(w.Asked.Load(), met.All(), met.Most())
	}
	return nil
}

// around is the process of the internet.
type around struct {
	cmd   *exec.Cmd
	in    io.Writer
	out   *bufio.Reader
	flags []string
}

func startInternet(dir string) (*around, error) {
	a := &around{cmd: exec.Command(os.Args[0], "-internet", dir, "-trip", trip.String())}
	a.cmd.Stderr = os.Stderr
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := a.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	a.in, a.out = in, bufio.NewReader(out)
	if err := a.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := a.out.ReadString('\n')
	a.flags = strings.Fields(line)
	return a, err
}

// counts are how many questions it was asked, how many connections were made to it, and how many of them
// were open to one address at a time.
func (a *around) counts() (questions, connections, most int, err error) {
	if _, err := io.WriteString(a.in, "?\n"); err != nil {
		return 0, 0, 0, err
	}
	_, err = fmt.Fscan(a.out, &questions, &connections, &most)
	return questions, connections, most, err
}

// figures are what a run took.
type figures struct {
	what                          string
	took, ours, theirs            time.Duration
	memory, looks                 int // MiB; at mail servers
	questions, connections, lines int
	most                          int   // connections that were open to one address at a time
	disk                          int64 // octets
	restarts                      int
}

func measure() error {
	dir, err := os.MkdirTemp("", "mxseal-surveys-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := daemon.Build(dir)
	if err != nil {
		return err
	}
	list := filepath.Join(dir, "list")
	var text strings.Builder
	for n := range *domains {
		fmt.Fprintf(&text, "%s,%s\n", world.Listed(n), []string{"even", "odd"}[n%2])
	}
	if err := os.WriteFile(list, []byte(text.String()), 0o644); err != nil {
		return err
	}
	if *only {
		return measurePage(dir, *page)
	}
	if *sharing {
		return measureShared(dir, binary, list)
	}
	var all []figures
	for _, depth := range []string{"quick", "standard"} {
		f, err := one(dir, binary, list, depth, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", depth, err)
		}
		all = append(all, f)
	}
	if *kills > 0 {
		f, err := one(dir, binary, list, "quick", *kills)
		if err != nil {
			return fmt.Errorf("with kills: %w", err)
		}
		f.what += fmt.Sprintf(", killed %d times", *kills)
		all = append(all, f)
	}
	if err := print(all); err != nil {
		return err
	}
	if err := measureShared(dir, binary, list); err != nil {
		return err
	}
	if err := measureFile(dir, *reports); err != nil {
		return err
	}
	return measurePage(dir, *page)
}

var looked = regexp.MustCompile(`(\d+) domains, (\d+) looks`)

// one creates a survey and makes a run of it, which is killed so many times.
func one(dir, binary, list, depth string, kills int) (f figures, err error) {
	f.what = depth
	around, err := startInternet(dir)
	if err != nil {
		return f, err
	}
	defer around.cmd.Wait()
	defer around.cmd.Process.Kill()
	data := filepath.Join(dir, fmt.Sprint(depth, kills))
	if out, err := exec.Command(binary, "survey", "create", "many", "--special", "--file", list, "--data", data).CombinedOutput(); err != nil {
		return f, fmt.Errorf("create: %w: %s", err, out)
	}
	began := time.Now()
	var out string
	for f.restarts = 0; ; f.restarts++ {
		after := time.Duration(0)
		if f.restarts < kills {
			after = time.Duration(*domains/(kills+1)) * time.Second / 100 // at a hundred a second: spread over the run
		}
		var killed bool
		if out, killed, err = f.run(binary, append([]string{"survey", "run", "many", "--data", data, "--depth", depth}, around.flags...), after); err != nil {
			return f, err
		}
		if !killed {
			break
		}
	}
	f.took = time.Since(began)
	if f.questions, f.connections, f.most, err = around.counts(); err != nil {
		return f, err
	}
	f.theirs = world.Processor(around.cmd.Process.Pid)
	m := looked.FindStringSubmatch(out)
	if m == nil {
		return f, fmt.Errorf("the program says: %s", out)
	}
	f.looks, _ = strconv.Atoi(m[2])
	if info, err := os.Stat(filepath.Join(data, "mxseal.db")); err == nil {
		f.disk = info.Size()
	}
	return f, f.check(binary, "--data", data)
}

// run runs a command to its end, or kills it after a while.
func (f *figures) run(binary string, args []string, after time.Duration) (out string, killed bool, err error) {
	cmd := exec.Command(binary, args...)
	var text strings.Builder
	cmd.Stdout, cmd.Stderr = &text, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return "", false, err
	}
	if after > 0 {
		defer time.AfterFunc(after, func() { cmd.Process.Kill() }).Stop()
	}
	err = cmd.Wait()
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	f.ours += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	f.memory = max(f.memory, int(usage.Maxrss>>10))
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return "", true, nil
	}
	return text.String(), false, err
}

// check reads what came out: a result for every domain, none twice, all with the letter that the world shows.
func (f *figures) check(binary string, where ...string) error {
	out, err := exec.Command(binary, append([]string{"survey", "export", "many", "--format", "csv"}, where...)...).Output()
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil {
		return err
	}
	letters, seen := make(map[string]int), make(map[string]bool)
	for _, row := range rows[1:] {
		if seen[row[0]] {
			return fmt.Errorf("%s is there twice", row[0])
		}
		seen[row[0]] = true
		letters[row[2]]++
	}
	f.lines = len(seen)
	if f.lines != *domains || len(letters) != 2 || letters["T"] > 0 {
		return fmt.Errorf("%d domains of %d, letters %v", f.lines, *domains, letters)
	}
	return nil
}

func print(all []figures) error {
	servers := world.Hosters + world.Pool
	fmt.Printf("%d domains, %d addresses of mail servers, %v round trip, %d processors\n\n", *domains, servers, *trip, runtime.NumCPU())
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "run\ttook\tdomains a second\tprocessors busy\tours, a domain\ttheirs\tMiB at most\tlooks\tlooks an address\tresults\t")
	for _, f := range all {
		fmt.Fprintf(w, "%s\t%.1fs\t%.0f\t%.2f\t%.1fms\t%.1fms\t%d\t%d\t%.3f\t%d\t\n", f.what, f.took.Seconds(), float64(*domains)/f.took.Seconds(),
			(f.ours+f.theirs).Seconds()/f.took.Seconds(), f.each(f.ours), f.each(f.theirs), f.memory, f.looks, float64(f.looks)/float64(servers), f.lines)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Println("\nA million domains of this kind, by the same measure:")
	for _, f := range all[:2] {
		c := f.cost()
		fmt.Printf("  %-9s %.1f hours, %.1f million questions to the DNS, %.2f million connections, %.1f GB on disk\n", f.what, c.Time(1e6).Hours(), c.Questions, c.Connections, c.Octets/1e3)
	}
	fmt.Println("What the site and OPERATING.md say of it is surveys.Measured (web/surveys/read.go).")
	return nil
}

// cost is what a domain took.
func (f figures) cost() surveys.Cost {
	n := float64(*domains)
	return surveys.Cost{Rate: n / f.took.Seconds(), Questions: float64(f.questions) / n, Connections: float64(f.connections) / n, Octets: float64(f.disk) / n, Memory: f.memory}
}

// each is a time by domain, in milliseconds.
func (f figures) each(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000 / float64(*domains)
}
