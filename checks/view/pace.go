package view

import (
	"fmt"
	"math"
	"time"
)

// Pace is how fast a long list goes, and how long the rest of it takes.
type Pace struct {
	Rate float64       // a second; 0 where it is not known
	Left time.Duration // 0 where that is not known, or nothing is left
}

// PaceOf is the pace at which so many were done in a time, with so many still to be done. Within the first
// second it is not known.
func PaceOf(done, left int64, took time.Duration) Pace {
	if done <= 0 || took < time.Second {
		return Pace{}
	}
	p := Pace{Rate: float64(done) / took.Seconds()}
	if left > 0 {
		p.Left = time.Duration(min(float64(left)/p.Rate*float64(time.Second), math.MaxInt64/2))
	}
	return p
}

// String is the pace in words, empty where it is not known.
func (p Pace) String() string {
	text := fmt.Sprintf("%.0f a second", p.Rate)
	switch {
	case p.Rate == 0:
		return ""
	case p.Rate*60 < 1:
		text = "less than 1 a minute"
	case p.Rate < 1:
		text = fmt.Sprintf("%.0f a minute", 60*p.Rate)
	}
	if p.Left > 0 {
		text += " · " + roughly(p.Left) + " left"
	}
	return text
}

// roughly is a duration as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", min(int(d.Hours()/24), 9999))
}
