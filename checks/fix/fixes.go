package fix

import (
	"slices"

	"mxseal/checks/fix/place"
	"mxseal/checks/fix/policy"
	"mxseal/checks/fix/server"
	"mxseal/checks/fix/zone"
	"mxseal/checks/report"
)

// who can make a fix.
type who int

const (
	owner     who = iota // of the domain, even where others run its mail servers
	operator             // of the mail server or its zone: of a hosted one only the provider
	zoneOwner            // of the zone that the finding is about
)

// way is how a fix is made.
type way struct {
	who   who
	steps func(place.Place) []report.Step
}

// row is a fix.
type row struct {
	fix    report.Fix
	title  string
	effort report.Effort
	ways   map[report.Way]way
}

// fixes are in the order in which to make them: what others build on comes first, and before all what
// breaks nothing and tells of what the others break.
var fixes = []row{
	{report.AskForReports, "Ask for TLS reports", report.OneRecord, map[report.Way]way{
		"": {owner, askForReports},
	}},
	{report.CorrectMX, "Correct the MX records of {domain}", report.OneRecord, map[report.Way]way{
		"":                 {owner, dropHost},
		report.NameGuessed: {owner, nameGuessed},
		report.DropNullMX:  {owner, dropNullMX},
		report.NameTarget:  {owner, nameTarget},
		report.DropAddress: {operator, dropAddress},
	}},
	{report.OfferSTARTTLS, "Turn on STARTTLS at {hosts}", report.Reload, map[report.Way]way{
		"":                    {operator, server.Configure},
		report.StopInspection: {operator, server.StopInspection},
	}},
	{report.LimitTLS, "Allow only today's TLS versions and cipher suites at {hosts}", report.Reload, map[report.Way]way{
		"": {operator, server.Configure},
	}},
	{report.AskNoCertificate, "Ask no certificate of senders at {hosts}", report.Reload, map[report.Way]way{
		"": {operator, server.Configure},
	}},
	{report.UpdateLibrary, "Update the TLS library of {hosts}", report.NewCertificate, map[report.Way]way{
		"": {operator, server.UpdateLibrary},
	}},
	{report.UpdateServer, "Update the mail server at {hosts}, or the device in front of it", report.NewCertificate, map[report.Way]way{
		"": {operator, place.Place.AsSaid},
	}},
	{report.ReplaceCertificate, "Get a new certificate for {hosts}", report.NewCertificate, map[report.Way]way{
		"":            {operator, server.Certificate},
		report.NewKey: {operator, server.NewKey},
	}},
	{report.CorrectSignatures, "Fix the DNSSEC signatures of {zone}", report.SignZone, map[report.Way]way{
		"": {owner, zone.CorrectSignatures},
	}},
	{report.Sign, "Sign {zone} with DNSSEC", report.SignZone, map[report.Way]way{
		"":                 {zoneOwner, zone.Sign},
		report.SignAddress: {zoneOwner, zone.SignAddress},
		report.SignAnew:    {zoneOwner, zone.SignAnew},
	}},
	{report.CorrectSigning, "Correct how {zone} is signed", report.SignZone, map[report.Way]way{
		report.BetterDS:     {owner, zone.BetterDS},
		report.RollKey:      {owner, zone.RollKey},
		report.PlainDenials: {owner, zone.PlainDenials},
		report.SignAgain:    {owner, zone.SignAgain},
	}},
	{report.AnswerTLSA, "Make the name servers answer for the TLSA records of {hosts}", report.SignZone, map[report.Way]way{
		"": {operator, server.Answer},
	}},
	{report.MoveToDANE, "Get a mail server with DANE in place of {hosts}", report.OtherProvider, nil}, // byProvider
	{report.PublishTLSA, "Publish the key of {hosts} (TLSA)", report.OneRecord, map[report.Way]way{
		"":                       {operator, server.PublishKey},
		report.ReplaceAlias:      {operator, server.ReplaceAlias},
		report.DropUnfit:         {operator, server.DropUnfit},
		report.KeyNotCertificate: {operator, server.KeyNotCertificate},
	}},
	{report.ServePolicy, "Serve an MTA-STS policy for {domain} in mode enforce", report.Reload, map[report.Way]way{
		"":                  {owner, policy.Serve},
		report.RecordAlone:  {owner, policy.RecordAlone},
		report.ServeAgain:   {owner, policy.ServeAgain},
		report.CertifyHost:  {owner, policy.CertifyHost},
		report.PlainText:    {owner, policy.PlainText},
		report.NameInPolicy: {owner, policy.NameServer},
	}},
}

// order is when to make a fix; last of all what a rule alone speaks of.
func order(f report.Fix) int {
	if i := slices.IndexFunc(fixes, func(r row) bool { return r.fix == f }); i >= 0 {
		return i
	}
	return len(fixes)
}

// find returns the row of a fix; nil for report.AsSaid.
func find(f report.Fix) *row {
	if i := order(f); i < len(fixes) {
		return &fixes[i]
	}
	return nil
}

// wayOf is how what a rule found is fixed; without steps where its own words are all there is.
func wayOf(rule report.Rule) way {
	if row := find(rule.Fix); row != nil {
		return row.ways[rule.Way]
	}
	return way{}
}
