package view

// The titles of a report's parts.
const (
	TitleFirst    = "Fix these first"
	TitleLifts    = "What would lift it"
	TitleMatrix   = "Who can read the mail"
	TitleChanges  = "What changed"
	TitleServers  = "Mail servers"
	TitleFindings = "Findings"
	TitleForecast = "Upcoming expiry dates"
	TitleEvidence = "Evidence"
	TitleHistory  = "History"
	TitleGlossary = "Glossary"
)
