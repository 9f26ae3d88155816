import { Problem, retryAfter } from "./problem.js";

/** How often and how patiently a request is sent again. */
export interface Retries {
  /** Attempts in all; 1 means that nothing is sent again. */
  attempts: number;
  /** Milliseconds before the second attempt; doubled for each further one, up to `longestMs`. */
  firstMs: number;
  longestMs: number;
  /** Where the server asks for a longer pause, in seconds, the problem is thrown instead. */
  retryAfterMax: number;
  /** Milliseconds for one attempt, to the answer's head. */
  timeoutMs: number;
}

export const RETRIES: Retries = {
  attempts: 4,
  firstMs: 200,
  longestMs: 5_000,
  retryAfterMax: 60,
  timeoutMs: 30_000,
};

const SAFE = new Set(["GET", "HEAD", "OPTIONS", "PUT"]);
const WAIT = new Set([408, 425, 500, 502, 503, 504]);
/** Refused for now, and nothing was changed. */
const CONFLICTS = new Set(["idempotency_in_progress", "collection_not_ready"]);

/** May this request be sent twice? Otherwise only a refusal that changed nothing is tried again. */
function isSafe(request: Request): boolean {
  return SAFE.has(request.method) || request.headers.has("idempotency-key");
}

async function isWorthIt(request: Request, response: Response): Promise<boolean> {
  // Refused before anything was looked at.
  if (response.status === 429) return true;
  if (!isSafe(request)) return false;
  if (response.status === 409) return CONFLICTS.has((await Problem.of(response.clone())).code);
  return WAIT.has(response.status);
}

/** A `fetch` that sends again what may be sent again. Each attempt is the same, its key included. */
export function retrying(fetch: typeof globalThis.fetch, retries: Retries) {
  return async (request: Request): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= retries.attempts;
      const pause = jitter(Math.min(retries.firstMs * 2 ** (attempt - 1), retries.longestMs));
      let response: Response;
      try {
        response = await within(fetch, isLast ? request : request.clone(), retries.timeoutMs);
      } catch (error) {
        // What came of it is not known: an answer may have been lost.
        if (isLast || request.signal.aborted || !isSafe(request)) throw error;
        await sleep(pause, request.signal);
        continue;
      }
      if (response.ok || isLast || !(await isWorthIt(request, response))) return response;
      const asked = retryAfter(response);
      if (asked !== undefined && asked > retries.retryAfterMax) return response;
      await response.body?.cancel();
      await sleep(Math.max(pause, (asked ?? 0) * 1_000), request.signal);
    }
  };
}

async function within(fetch: typeof globalThis.fetch, request: Request, ms: number) {
  const late = new AbortController();
  const reason = new DOMException(`no answer within ${ms} ms`, "TimeoutError");
  const timer = setTimeout(() => late.abort(reason), ms);
  try {
    return await fetch(request, { signal: AbortSignal.any([request.signal, late.signal]) });
  } finally {
    clearTimeout(timer);
  }
}

/** Between half of it and all of it, so that clients that failed together don't come back so. */
export function jitter(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    };
    const stop = () => { done(); reject(signal?.reason); };
    const timer = setTimeout(() => { done(); resolve(); }, ms);
    signal?.addEventListener("abort", stop);
  });
}
