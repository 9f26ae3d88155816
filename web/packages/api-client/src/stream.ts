import { Problem } from "./problem.js";
import { jitter, sleep } from "./retries.js";

/** A place in a topic: all facts up to it are known. */
export interface Place { epoch: number; seq: number }

export interface Block { chain_id: number; number: number; hash: string }

interface Envelope extends Place {
  topic: string;
  subscription: string;
  prev_seq: number;
  block: Block | null;
}

/** What is true now: forget what was known before. Facts after its `seq` follow. */
export interface Snapshot extends Envelope {
  type: "snapshot";
  data: { items: unknown[]; truncated: boolean; more: string | null };
}

/** A fact; `reorg` takes back what an earlier one told. */
export interface Change extends Envelope {
  type: "delta" | "reorg";
  data: { kind: string; at: string; attributes: Record<string, string>; [name: string]: unknown };
}

export type Message = Snapshot | Change;

export interface Following {
  topic: "items" | "transfers" | "collections" | "chain" | "mints" | "transactions";
  /** Equality on attributes of the topic's facts; all must hold. */
  filter?: Record<string, string>;
  /** The place of the last message that was handled; without, a snapshot comes first. */
  after?: Place | { seq: 0 };
  signal?: AbortSignal;
}

/** What the stream needs of a client. */
export interface Line {
  open(path: string, signal: AbortSignal): Promise<Response>;
}

/** Heartbeats come each 15 s. */
const SILENCE_MS = 45_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** Statuses that will be the same next time. */
const FINAL = new Set([400, 401, 403, 404, 405]);

interface Heartbeat { type: "heartbeat"; data: { subscriptions: Place[] } }
interface Word { op: string; code?: string | number; reason?: string }

/**
 * Follow one topic, over as many connections as it takes: no fact is missed and none told twice.
 * After a `snapshot` what was known before is void; one comes first, and where a place is no longer
 * in the log. Ends when `signal` is aborted.
 *
 * @throws Problem when it may not be followed, or no longer.
 */
export async function* follow(line: Line, wanted: Following): AsyncGenerator<Message, void, void> {
  const stop = wanted.signal ?? new AbortController().signal;
  let place: Partial<Place> | undefined = wanted.after;
  let failures = 0;
  while (!stop.aborted) {
    const watch = new Watch(stop);
    try {
      const response = await line.open(path(wanted, place), watch.signal);
      if (!response.ok) throw await Problem.of(response);
      for await (const text of events(response, () => watch.heard())) {
        const message: Message | Heartbeat | Word = JSON.parse(text);
        failures = 0;
        if ("op" in message) {
          if (message.op === "closed") break;
          continue;
        }
        if (message.type === "heartbeat") {
          // As far as it has looked, even when nothing fitted.
          const at = message.data.subscriptions[0];
          if (at && place && at.epoch === place.epoch) place = { epoch: at.epoch, seq: at.seq };
          continue;
        }
        if (message.type !== "snapshot" && place?.seq !== undefined) {
          if (place.epoch === message.epoch && message.seq <= place.seq) continue;
          // Something between was lost: have it told again.
          if (message.prev_seq > place.seq) break;
        }
        place = { epoch: message.epoch, seq: message.seq };
        yield message;
      }
    } catch (error) {
      if (stop.aborted) return;
      if (error instanceof Problem && FINAL.has(error.status)) throw error;
    } finally {
      watch.end();
    }
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures++, LONGEST_PAUSE_MS);
    await sleep(jitter(pause), stop).catch(() => undefined);
  }
}

function path({ topic, filter }: Following, place: Partial<Place> | undefined): string {
  const query = new URLSearchParams({ ...filter, topic });
  if (place?.seq !== undefined) query.set("from_seq", String(place.seq));
  if (place?.epoch !== undefined) query.set("epoch", String(place.epoch));
  return `/api/v1/events?${query}`;
}

/** Cuts a connection on which nothing is heard, or when it is to end. */
class Watch {
  readonly #cut = new AbortController();
  readonly signal: AbortSignal;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(stop: AbortSignal) {
    this.signal = AbortSignal.any([stop, this.#cut.signal]);
    this.heard();
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#cut.abort(), SILENCE_MS);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#cut.abort();
  }
}

/** The `data` of each event (WHATWG HTML §9.2). Our server writes each on one line. */
async function* events(response: Response, heard: () => void): AsyncGenerator<string> {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    const lines = (text + value).split("\n");
    text = lines.pop() ?? "";
    for (const one of lines) if (one.startsWith("data: ")) yield one.slice(6);
  }
}
