export { Stoa, type Fact, type Options } from "./client.js";
export { CODES } from "./generated/operations.js";
export type { components, paths } from "./generated/schema.js";
export { Problem, type Code, type FieldError } from "./problem.js";
export type { Retries } from "./retries.js";
export type { Block, Change, Following, Message, Place, Snapshot } from "./stream.js";
export {
  WebhookRefused, verifyWebhook, type WebhookEvent, type WebhookRequest,
} from "./webhooks.js";
