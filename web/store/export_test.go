package store

// MaxReading is how many reports are read at a time.
const MaxReading = maxReading

// Reading has one for each report that is being read.
func (s *Store) Reading() chan struct{} { return s.reading }

// Forget has the store think that all could be kept.
func (s *Store) Forget() { s.failing.Store(false) }
