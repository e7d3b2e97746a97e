package rendering

import "sync"

// sendOctets bounds the renderings that are being sent, each counted once: so much memory is
// held for slow readers, also of what the caches have let go.
const sendOctets = 64 << 20

// sending counts what is being sent.
type sending struct {
	mu     sync.Mutex
	octets int
}

// begin counts a reader, unless too much is being sent already.
func (s *sending) begin(p *Rendering) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.readers == 0 {
		if s.octets+len(p.body) > sendOctets {
			return false
		}
		s.octets += len(p.body)
	}
	p.readers++
	return true
}

func (s *sending) end(p *Rendering) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.readers--; p.readers == 0 {
		s.octets -= len(p.body)
	}
}

func (s *sending) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.octets
}

// Sending returns how many octets are being sent, each rendering counted once.
func (m *Renderer) Sending() int { return m.sending.held() }
