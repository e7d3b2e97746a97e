package checks

// Held is how many things an allowance remembers.
func Held[K comparable](a *Allowance[K]) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, taken := range a.taken {
		n += len(taken)
	}
	if n != a.held {
		return -1 // its own count is wrong
	}
	return n
}
