package report

import "time"

// Event is one step of a running check; exactly one of the fields beside At is set.
type Event struct {
	At       time.Time `json:"at"`
	Progress *Progress `json:"progress,omitempty"`
	Finding  *Finding  `json:"finding,omitempty"`
	Done     *Report   `json:"done,omitempty"`
}

// Progress says that a stage of the check began or ended.
type Progress struct {
	Stage CheckID `json:"stage"`           // check id
	Host  string  `json:"host,omitempty"`  // where the stage is asked of one mail exchanger
	Ended bool    `json:"ended,omitempty"` // it ended; absent: it began
}
