// A client of openapi-typescript and openapi-fetch, from the first order to the history. Its
// types are those of the document: what compiles here is what the document promises.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [base, domain] = process.argv.slice(2) as [string, string];
const api = createClient<paths>({ baseUrl: base });

function demand(holds: unknown, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

// A refusal has a reason, and a type that leads to what it means.
const refused = await api.POST("/api/v1/checks", { body: { domain: "localhost" } });
demand(refused.response.status === 422 && refused.error, "localhost was not refused");
demand(refused.error.reason === "not-a-mail-domain", `reason ${refused.error.reason}`);
const meaning = new URL(refused.error.type, base);
const page = await fetch(meaning);
demand(page.ok && (await page.text()).includes(`id="${meaning.hash.slice(1)}"`), `${meaning} leads nowhere`);

// One type takes the report and the check under way; the field state tells them apart.
const started = await api.POST("/api/v1/checks", { body: { domain } });
demand(started.data && started.data.state !== "done", "no check was started");
const id = started.data.id;
demand(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(started.data.since), `since ${started.data.since}`);

const stream = await api.GET("/api/v1/reports/{id}/events", { params: { path: { id } }, parseAs: "stream" });
demand(stream.data, "no events");
const kinds = new Map<string, number>();
let text = "";
const reader = (stream.data as unknown as ReadableStream<Uint8Array>).getReader();
const decoder = new TextDecoder();
while (!/^event: (done|failed)$/m.test(text)) {
  const part = await reader.read();
  if (part.done) break;
  text += decoder.decode(part.value, { stream: true });
}
await reader.cancel();
for (const m of text.matchAll(/^event: (\w+)\ndata: (.+)$/gm)) {
  kinds.set(m[1]!, (kinds.get(m[1]!) ?? 0) + 1);
  const data = JSON.parse(m[2]!) as components["schemas"]["Event"];
  if (m[1] === "finding") demand("verdict" in data && data.rule, `a finding: ${m[2]}`);
}
demand((kinds.get("progress") ?? 0) > 5 && (kinds.get("finding") ?? 0) > 5, `events ${JSON.stringify([...kinds])}`);

const got = await api.GET("/api/v1/reports/{id}", { params: { path: { id } } });
demand(got.data?.state === "done", "the report is not there behind the last event");
const letter: components["schemas"]["Letter"] | undefined = got.data.grade?.letter;
demand(letter === "A", `letter ${letter}`);
const elapsed: number = got.data.elapsed_ms;
demand(Number.isSafeInteger(elapsed), "elapsed_ms");

const history = await api.GET("/api/v1/domains/{domain}/history", { params: { path: { domain }, query: { limit: 1 } } });
demand(history.data?.entries[0]?.id === id, "the history does not begin with the report");
const latest = await api.GET("/api/v1/domains/{domain}", { params: { path: { domain } } });
demand(latest.data?.state === "done" && latest.data.id === id, "the latest report");
const health = await api.GET("/healthz", { parseAs: "text" });
demand(health.data === "ok\n" || health.data === "ok", "healthz");
const badge = await api.GET("/badge/{domain}.json", { params: { path: { domain } } });
demand(badge.data?.message.startsWith("A · "), "badge");
console.log(`${domain} ${letter}: ${[...kinds].map(([k, n]) => `${n} ${k}`).join(", ")}`);
