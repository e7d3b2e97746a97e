package postgres

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// relay is a network on the way to the database, which can die without a word.
type relay struct {
	url string

	mu   sync.Mutex
	dead bool
	ends []net.Conn
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	database := u.Host
	u.Host = l.Addr().String()
	r := &relay{url: u.String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.join(c, database)
		}
	}()
	return r
}

func (r *relay) join(client net.Conn, database string) {
	server, err := net.Dial("tcp4", database)
	if err != nil {
		client.Close()
		return
	}
	r.mu.Lock()
	r.ends = append(r.ends, client, server)
	r.mu.Unlock()
	for from, to := range map[net.Conn]net.Conn{client: server, server: client} {
		go func() {
			io.Copy(writer{r, to}, from)
			if !r.isDead() {
				to.Close()
			}
		}()
	}
}

// writer swallows what comes while the network is dead.
type writer struct {
	*relay
	to net.Conn
}

func (w writer) Write(b []byte) (int, error) {
	if w.isDead() {
		return len(b), nil
	}
	return w.to.Write(b)
}

func (r *relay) isDead() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dead
}

// die lets nothing pass any more, and nobody know.
func (r *relay) die() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = true
}

// recover is a network anew: what was there before is closed.
func (r *relay) recover() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = false
	for _, c := range r.ends {
		c.Close()
	}
	r.ends = nil
}
