// Command load measures the built program under a crowd: a thousand visitors who read pages
// and badges that are kept in memory, while fifty domains that nobody has asked about before
// are checked every second. It prints what visitors waited and what the program took, and
// exits with 1 when an answer was wrong or the goal is missed.
//
// Three processes share the machine: the program, this one with the visitors, and a third
// with the internet that is checked (DNS, a mail server with DANE for every domain). The
// processor time of each is printed, as they take it from each other.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mxseal/testdata/daemon"
	"mxseal/testdata/faults/world"
)

var (
	visitors  = flag.Int("visitors", 1000, "who read at the same time")
	warm      = flag.Int("pages", 100, "domains whose pages and badges are kept in memory before it begins")
	perSecond = flag.Int("checks", 50, "fresh checks that are asked for in a second")
	duration  = flag.Duration("for", 30*time.Second, "how long")
	think     = flag.Duration("think", 2*time.Second, "how long a visitor looks at what he has got, on average")
	depth     = flag.String("depth", "standard", "of the checks")
	goal      = flag.Duration("goal", 50*time.Millisecond, "that 99 of 100 answers have to keep; 0 for none")
	profile   = flag.String("profile", "", "`FILE` for a profile of the program's processor time under way")
	internet  = flag.String("internet", "", "be the internet, with the files in this `DIR` (for the program's own use)")
)

func main() {
	flag.Parse()
	err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run() error {
	if *internet != "" {
		return beInternet(*internet)
	}
	dir, err := os.MkdirTemp("", "mxseal-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := daemon.Build(dir)
	if err != nil {
		return err
	}
	around, flags, err := startInternet(dir)
	if err != nil {
		return err
	}
	defer around.stop()
	p, err := world.Serve(binary, dir+"/data", []string{"MXSEAL_MAX_CHECKS_PER_MINUTE=0"}, append(flags, "--depth", *depth)...)
	if err != nil {
		return err
	}
	defer p.Stop()
	paths, err := warmUp(p)
	if err != nil {
		return err
	}
	goroutines, err := p.Goroutines()
	if err != nil {
		return err
	}
	fmt.Printf("%d pages and badges of %d domains are warm; %d goroutines, %d MiB at most\n", len(paths), *warm, goroutines, p.Peak())

	var asked asking
	end := time.Now().Add(*duration)
	if *profile != "" {
		go keepProfile(p, *profile, *duration-5*time.Second)
	}
	began := [3]time.Duration{p.Processor(), world.Processor(os.Getpid()), world.Processor(around.cmd.Process.Pid)}
	most := new(atomic.Int64)
	var work sync.WaitGroup
	work.Go(func() { watch(p, end, most) })
	work.Go(func() { asked.run(p, end) })
	all := make([]reading, *visitors)
	for i := range all {
		work.Go(func() { all[i].run(i, strings.TrimPrefix(p.URL, "http://"), paths, end) })
	}
	work.Wait()
	took := [3]time.Duration{p.Processor() - began[0], world.Processor(os.Getpid()) - began[1], world.Processor(around.cmd.Process.Pid) - began[2]}
	asked.settle(p)
	spent := p.Processor() - began[0]

	var waits []time.Duration
	var wrong []string
	for i := range all {
		waits = append(waits, all[i].waits...)
		wrong = append(wrong, all[i].wrong...)
	}
	slices.Sort(waits)
	at := func(share float64) time.Duration {
		return waits[int(share*float64(len(waits)-1))].Round(10 * time.Microsecond)
	}
	if len(waits) == 0 {
		return fmt.Errorf("no answer at all: %v", wrong)
	}
	fmt.Printf("visitors %d for %v: %d requests (%.0f a second), %d wrong; p50 %v, p95 %v, p99 %v, longest %v\n",
		*visitors, *duration, len(waits), float64(len(waits))/duration.Seconds(), len(wrong), at(.5), at(.95), at(.99), at(1))
	fmt.Printf("checks asked for %d (%.0f a second), taken %d, refused %d; finished %d, of them whole %d; half of them took less than %v\n",
		asked.asked, float64(asked.asked)/duration.Seconds(), asked.taken, asked.asked-asked.taken, asked.finished, asked.whole, asked.median.Round(time.Millisecond))
	fmt.Printf("processor of %d: program %.0f %%, visitors %.0f %%, internet %.0f %%, of one core each\n", runtime.NumCPU(),
		100*took[0].Seconds()/duration.Seconds(), 100*took[1].Seconds()/duration.Seconds(), 100*took[2].Seconds()/duration.Seconds())
	fmt.Printf("of the program for each check that finished, with what visitors took meanwhile: %.1f ms\n", 1000*spent.Seconds()/float64(max(asked.finished, 1)))
	fmt.Printf("the program at most: %d MiB resident, %d goroutines\n", p.Peak(), most.Load())
	switch {
	case len(wrong) > 0:
		return fmt.Errorf("%d wrong answers, such as %v", len(wrong), wrong[:min(3, len(wrong))])
	case asked.taken < asked.asked || asked.whole < asked.taken:
		return errors.New("not every check was taken and came to a whole report: " + asked.trouble)
	case *goal > 0 && at(.99) > *goal:
		return fmt.Errorf("p99 is %v, the goal %v", at(.99), *goal)
	}
	return nil
}

// warmUp has domains checked and reads everything about them once.
func warmUp(p *world.Program) ([]string, error) {
	paths := []string{"/", "/grades"}
	for i := range *warm {
		domain := fmt.Sprintf("w%d.%s", i, world.Many)
		if status, body := post(p, domain); status != http.StatusSeeOther {
			return nil, fmt.Errorf("%s: %d %.200s", domain, status, body)
		}
		paths = append(paths, "/check/"+domain, "/badge/"+domain+".svg")
	}
	c := world.Visitor(true)
	defer c.CloseIdleConnections()
	for _, path := range paths {
		for patience := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			resp, err := c.Get(p.URL + path)
			if err != nil {
				return nil, err
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK && !bytes.Contains(body, []byte("http-equiv=\"refresh\"")) {
				break
			}
			if time.Now().After(patience) {
				return nil, fmt.Errorf("%s is not there", path)
			}
		}
	}
	return paths, nil
}

func post(p *world.Program, domain string) (int, string) {
	resp, err := world.Visitor(false).PostForm(p.URL+"/check", url.Values{"domain": {domain}})
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// reading is what one visitor saw.
type reading struct {
	waits []time.Duration
	wrong []string
}

// run reads page after page on one connection. Its requests are written by hand: a client
// that costs more than the program would measure itself.
func (v *reading) run(n int, address string, paths []string, end time.Time) {
	time.Sleep(rand.N(*think)) // they do not all come at once
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 10, byte(n>>8), byte(n))}}
	c, err := d.Dial("tcp", address)
	if err != nil {
		v.wrong = append(v.wrong, err.Error())
		return
	}
	defer c.Close()
	in := bufio.NewReaderSize(c, 16<<10)
	for time.Now().Before(end) {
		path := paths[rand.N(len(paths))]
		began := time.Now()
		c.SetDeadline(began.Add(20 * time.Second))
		_, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: mxseal.example\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n\r\n")
		status := 0
		if err == nil {
			status, err = answer(in)
		}
		if err != nil || status != http.StatusOK {
			v.wrong = append(v.wrong, fmt.Sprint(path, " ", status, " ", err))
			return
		}
		v.waits = append(v.waits, time.Since(began))
		time.Sleep(*think/2 + rand.N(*think))
	}
}

// answer reads one response to its end.
func answer(in *bufio.Reader) (status int, err error) {
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if err == nil && n == 0 {
		err = errors.New("an empty page")
	}
	return resp.StatusCode, errors.Join(err, resp.Body.Close())
}

// watch notes the most goroutines that the program has.
func watch(p *world.Program, end time.Time, most *atomic.Int64) {
	for time.Now().Before(end) {
		if n, err := p.Goroutines(); err == nil && int64(n) > most.Load() {
			most.Store(int64(n))
		}
		time.Sleep(2 * time.Second)
	}
}

func keepProfile(p *world.Program, file string, length time.Duration) {
	text, err := p.Profile(length)
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load: profile:", err)
	}
}

// around is the process with the internet.
type around struct {
	cmd *exec.Cmd
	end io.Closer
}

// startInternet returns it with the flags that lead there.
func startInternet(dir string) (*around, []string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	c := exec.Command(self, "-internet", dir, "-checks", fmt.Sprint(*perSecond), "-for", duration.String())
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	in, err := c.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := c.Start(); err != nil {
		return nil, nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, nil, errors.Join(err, c.Wait())
	}
	return &around{c, in}, strings.Fields(line), nil
}

func (a *around) stop() {
	a.end.Close()
	a.cmd.Wait()
}

// domains is how many fresh domains there have to be.
func domains() int { return int(duration.Seconds()+1) * *perSecond }

// beInternet serves until its standard input ends.
func beInternet(dir string) error {
	signal.Ignore(os.Interrupt)
	// In truth these machines are somebody else's: here they yield to the program, and collect little.
	debug.SetGCPercent(400)
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, 10); err != nil {
		return err
	}
	w, err := world.New(dir)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.Crowd(domains()); err != nil {
		return err
	}
	fmt.Println(strings.Join(w.Flags(), " "))
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}
