package processes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"mxseal/checks/internal/egress"
	"mxseal/web/claims"
)

// asked names, in the environment, the task of a process that only looks. It is one of its own, and not a
// part of the test: a process that starts others while it has connections has their ends delayed.
const asked = "MXSEAL_LOOKS"

// task is what such a process does until its input ends.
type task struct {
	Database string
	Network  netip.Prefix
	Servers  []netip.AddrPort
	Longest  time.Duration // of the looks of three places of the ten; those of the others take 30 ms at most
}

// outcome is what it says at its end.
type outcome struct {
	Looks, Claims, Broken int
	Faults                []string
}

// process is one that looks.
type process struct {
	task
	door *egress.Dialer

	began sync.Once // says so
	mu    sync.Mutex
	outcome
}

// inProcess does a task. It says when the first of its long looks has a connection, and at its end what came of it.
func inProcess(of string) error {
	var p process
	if err := json.Unmarshal([]byte(of), &p.task); err != nil {
		return err
	}
	c, err := claims.Open(context.Background(), p.Database, false, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer c.Close()
	p.door = egress.New(egress.Config{Allow: []netip.Prefix{p.Network},
		Claim: func(ctx context.Context, addr netip.Addr, lost, yield func()) (func(), error) {
			release, err := c.Claim(ctx, addr, lost, yield)
			if err == nil {
				p.count(&p.Claims)
			}
			return release, err
		}})
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	for place := range 10 {
		longest, began := 30*time.Millisecond, func() {}
		if place < 3 {
			longest, began = max(longest, p.Longest), func() { p.began.Do(func() { fmt.Println("true") }) }
		}
		work.Go(func() {
			for ctx.Err() == nil {
				p.look(ctx, longest, began)
			}
		})
	}
	io.Copy(io.Discard, os.Stdin)
	cancel()
	work.Wait()
	return json.NewEncoder(os.Stdout).Encode(p.outcome)
}

func (p *process) count(n *int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*n++
}

// look makes one connection to one of the servers, which stays for a while and says nothing.
func (p *process) look(ctx context.Context, longest time.Duration, began func()) {
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c, err := p.door.Peer(p.Servers[rand.IntN(len(p.Servers))]).Dial(limited)
	if err == nil {
		began()
		defer c.Close()
		defer context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Now()) })()
		c.SetReadDeadline(time.Now().Add(longest/2 + rand.N(longest/2)))
		_, err = c.Read(make([]byte, 1))
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		p.count(&p.Looks)
	case errors.Is(err, egress.ErrLost):
		p.count(&p.Broken)
	case ctx.Err() == nil:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.Faults = append(p.Faults, err.Error())
	}
}

// start has a process of its own do a task; began waits until it has begun, finish ends it and returns what
// it says.
func (of task) start(t *testing.T) (began func(), finish func() outcome) {
	t.Helper()
	text, err := json.Marshal(of)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%s", asked, text))
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	said := json.NewDecoder(out)
	began = func() {
		if err := said.Decode(new(bool)); err != nil {
			t.Error(err)
		}
	}
	return began, func() (o outcome) {
		in.Close()
		if err := errors.Join(said.Decode(&o), c.Wait()); err != nil {
			t.Error(err)
		}
		for _, fault := range o.Faults {
			t.Error(fault)
		}
		return o
	}
}
