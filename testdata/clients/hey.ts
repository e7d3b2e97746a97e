// A client of hey-api that holds every answer against zod schemas made of the document. Behind
// the flow it fetches the reports of all domains that it is given: a client that knows one type
// of success takes each of them, and each check under way.
import { client } from "./gen/client.gen.js";
import { getDomain, getEvents, getHistory, getReport, startCheck } from "./gen/sdk.gen.js";
import { zEvent, zProblemDetails, zReport } from "./gen/zod.gen.js";

const [base, domain, ...all] = process.argv.slice(2) as [string, string, ...string[]];
client.setConfig({ baseUrl: base });

function demand(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
const sleep = (ms: number) => new Promise((done) => setTimeout(done, ms));

const refused = await startCheck({ body: { domain: "localhost" } });
demand(zProblemDetails.parse(refused.error).reason === "not-a-mail-domain", "no reason");
const never = await getDomain({ path: { domain: "never.test" } });
demand(zProblemDetails.parse(never.error).reason === "not-checked", "no reason for what was never checked");

const started = await startCheck({ body: { domain }, throwOnError: true });
const id = started.data.id;
demand(started.data.state !== "done", "no check was started");
const { stream } = await getEvents({ path: { id }, sseMaxRetryAttempts: 1 });
let events = 0;
let ended = false;
for await (const data of stream) {
  const event = zEvent.parse(data);
  events++;
  if ("url" in event) {
    ended = true;
    break;
  }
}
demand(ended && events > 10, `${events} events, ended: ${ended}`);
const got = await getReport({ path: { id }, throwOnError: true });
demand(got.data.state === "done" && got.data.grade?.letter === "B", "the report");
const history = await getHistory({ path: { domain }, query: { limit: 5 }, throwOnError: true });
demand(history.data.entries[0]?.id === id, "the history");

let pending = 0;
async function follow(name: string) {
  const first = await startCheck({ body: { domain: name } });
  demand(first.data, `${name}: ${JSON.stringify(first.error)}`);
  for (let answer = first.data; answer.state !== "done"; await sleep(300)) {
    pending++;
    const next = await getReport({ path: { id: first.data.id } });
    demand(next.data, `${name}: ${next.error instanceof Error ? next.error.message : JSON.stringify(next.error)}`);
    answer = next.data;
    if (answer.state === "done") zReport.parse(answer);
  }
}
const names = all.values();
const worker = async () => {
  for (const name of names) await follow(name);
};
await Promise.all(Array.from({ length: 8 }, worker)); // no more side by side than one client may have
demand(pending > all.length / 2, `only ${pending} answers were of checks under way`);
console.log(`${domain} B: ${events} events; ${all.length} reports and ${pending} checks under way are as one type describes them`);
