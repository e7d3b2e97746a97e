package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// ofSenders are the operations of the test of sending servers.
const ofSenders = "senders"

const sendersAt = apiV1 + "/senders"

// senderOperations adds them to the document.
func (a *API) senderOperations(to huma.API, curl string) {
	registry := to.OpenAPI().Components.Schemas
	test := schemaOf(to, SenderTest{})
	for _, o := range []any{SenderTrap{}, SenderVerdict{}, SenderDone{}} {
		schemaOf(to, o)
	}
	event := oneOf(registry, "SenderEvent", "The data line of an event of a test. Its line “event” tells which: trap, verdict or done.", "", nil, "SenderTrap", "SenderVerdict", "SenderDone")
	a.senderOrders(to, test, curl)

	operate(a, to, huma.Operation{
		OperationID: "getSenderTest", Tags: []string{ofSenders}, Method: http.MethodGet, Path: sendersAt + "/{id}",
		Summary:     "One test of a sending server",
		Description: "What was seen of the server up to now, and what follows. Nothing lists tests: the id is the only key to one. A week after the end addresses and names are removed.",
		Extensions:  example(curl + "/senders/nbswy3dpo5xxe3de"),
		Responses: answers(
			answer{200, "The test.", jsonOf(test, "sender"), headers("Cache-Control")},
			problemOf(to, 404, "There is no such test, or senders are not tested here."),
			problemOf(to, 500, "Something broke on our side."),
		),
	}, a.showSender)

	operate(a, to, huma.Operation{
		OperationID: "getSenderEvents", Tags: []string{ofSenders}, Method: http.MethodGet, Path: sendersAt + "/{id}/events",
		Summary:     "What happens in a test",
		Description: "Server-sent events: how everything is, and then each part that changes, until the test ends. The last event about a trap counts.",
		Extensions:  example(curl + "/senders/nbswy3dpo5xxe3de/events --no-buffer"),
		Responses: answers(
			answer{200, "Events of these kinds: trap (what became of one trap, see SenderTrap), verdict (what is known of the server, see SenderVerdict), and at the end done (see SenderDone). " +
				"Close the stream after the end, or the client may connect again. Lines that begin with a colon are signs of life.",
				media("text/event-stream", event, "trap", "verdict", "test-done"), nil},
			problemOf(to, 404, "There is no such test, or senders are not tested here."),
			problemOf(to, 500, "Something broke on our side."),
			problemOf(to, 429, "This client follows too much."),
			problemOf(to, 503, "Too many follow something."),
		),
	}, a.senderEvents)
}

// senderOrders adds those that begin and end a test.
func (a *API) senderOrders(to huma.API, test *huma.Schema, curl string) {
	where := "Where the operator has given no zone for it, there is no test of senders, and the answer is 404."
	operate(a, to, huma.Operation{
		OperationID: "startSenderTest", Tags: []string{ofSenders}, Method: http.MethodPost, Path: sendersAt,
		Summary: "Begin a test of a sending server",
		Description: "Makes some twenty mail addresses, each of which leads to a mail server that is wrong in one way. Send one message to all of them, from the server that is to be tested. " +
			"After 15 minutes, or at the end, the addresses take no mail any more; what is in the queue of the server then comes back. " + where,
		MaxBodyBytes: BodyLimit, DefaultStatus: http.StatusCreated,
		Extensions: example(curl + "/senders -X POST"),
		Responses: answers(
			answer{201, "The test has begun.", jsonOf(test, "sender"), headers("Location")},
			problemOf(to, 403, "A browser sent this in the name of another site."),
			problemOf(to, 404, "Senders are not tested here."),
			problemOf(to, 429, "As many tests as one network may have are going on, or this client has asked for too much within a minute."),
			problemOf(to, 500, "Something broke on our side."),
			problemOf(to, 503, "As many tests as this site takes are going on."),
		),
	}, a.startSender)

	operate(a, to, huma.Operation{
		OperationID: "endSenderTest", Tags: []string{ofSenders}, Method: http.MethodPost, Path: sendersAt + "/{id}/end",
		Summary:      "End a test",
		Description:  "Closes the traps before their time. A test that has ended stays as it is.",
		MaxBodyBytes: BodyLimit,
		Extensions:   example(curl + "/senders/nbswy3dpo5xxe3de/end -X POST"),
		Responses: answers(
			answer{200, "The test, which has ended.", jsonOf(test, "sender"), nil},
			problemOf(to, 403, "A browser sent this in the name of another site."),
			problemOf(to, 404, "There is no such test, or senders are not tested here."),
			problemOf(to, 429, "This client has asked for too much within a minute."),
			problemOf(to, 500, "Something broke on our side."),
		),
	}, a.endSender)
}
