/** Serves the built pages, a `MockHall` over HTTP and its feed, with the server's own CSP. `npm run mock`. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { BRANCH, CHOICES, MockHall, now, Refused, TIERS } from "./hall.mjs";

const STATIC = fileURLToPath(new URL("../../queue_server/web/static/", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };
const CSP = "default-src 'self'; connect-src 'self' ws: wss:; style-src 'self'; img-src 'self' data:";
const BAD_TOKEN = "wrong";
const MANAGER_TOKEN = "manager";

export async function startMock(httpPort = 8080, pushPort = 8081) {
  const hall = new MockHall();
  const http = createServer((request, response) => void answer(hall, pushPort, request, response));
  const sockets = new WebSocketServer({ port: pushPort, perMessageDeflate: false });
  sockets.on("connection", (socket, request) => feed(hall, socket, new URL(request.url, "http://x").searchParams));
  await new Promise((resolve) => http.listen(httpPort, resolve));
  const stopFeed = () => { sockets.clients.forEach((socket) => socket.terminate()); sockets.close(); };
  const stop = () => { stopFeed(); http.closeAllConnections(); http.close(); };
  return { hall, stop };
}

async function answer(hall, pushPort, request, response) {
  const { pathname } = new URL(request.url, "http://x");
  if (pathname === "/ui.json") return json(response, 200, { push_port: pushPort, push_url: null });
  if (!pathname.startsWith("/v1/")) return page(response, pathname);
  try {
    if (request.headers.authorization === `Bearer ${BAD_TOKEN}`) throw new Refused(401, "unauthenticated", "This token is wrong.");
    const body = request.method === "POST" ? JSON.parse(await text(request)) : {};
    const [, , , , kind, id, ...steps] = pathname.split("/").map(decodeURIComponent);
    const step = steps.pop();
    if (kind === "announcements") return json(response, 200, announcement(hall, request, body, id));
    if (request.method === "GET") return json(response, 200, { day: hall.day, seq: hall.seq, ...(kind ? hall.state("staff") : { ...BRANCH, tiers: TIERS, ...CHOICES }) });
    if (!id) return json(response, 201, hall.issue(body));
    json(response, 200, kind === "counters" ? hall.counterStep(id, step, body) : hall.ticketStep(id, step, body));
  } catch (fault) {
    if (!fault.problem) throw fault;
    json(response, fault.problem.status, fault.problem);
  }
}

function announcement(hall, request, body, id) {
  if (request.method === "GET" && hall.notes.has(id)) return { day: hall.day, seq: hall.seq, announcement: { id, text: hall.notes.get(id) } };
  if (request.method === "GET") throw new Refused(404, "not_found", "There is no such text.");
  if (request.headers.authorization !== `Bearer ${MANAGER_TOKEN}`) throw new Refused(403, "forbidden", "This token's role may not do this.");
  return hall.announceNotice(body);
}

function feed(hall, socket, query) {
  const view = query.get("view") ?? "board";
  const isChosen = ({ id, zone }) => [null, zone].includes(query.get("zone")) && [null, id].includes(query.get("counter"));
  const send = (message) => socket.send(JSON.stringify(view === "staff" ? message : boardOnly(hall, message, isChosen)));
  const tell = (delta) => { send(delta); outlook(); };
  const outlook = () => send({ type: "outlook", at: now(), services: hall.services(), tickets: Object.fromEntries(hall.waiting().map((ticket) => [ticket.ticket_id, { waited_seconds: hall.waited(ticket), share: hall.waited(ticket) / 600 }])) });
  const beat = setInterval(() => { send({ type: "heartbeat", day: hall.day, seq: hall.seq, prev: hall.seq, at: now() }); outlook(); }, 5_000);
  socket.once("message", (data) => {
    if (JSON.parse(data).token === BAD_TOKEN) return socket.close(4401);
    send({ type: "snapshot", epoch: "mock", day: hall.day, seq: hall.seq, state: hall.state(view) });
    outlook();
    hall.listeners.add(tell);
  });
  socket.on("close", () => { clearInterval(beat); hall.listeners.delete(tell); });
}

/** Zone and counter choose among the counters only: the calls are those of the whole hall. */
function boardOnly(hall, message, isChosen) {
  if (message.tickets) delete (message = { ...message }).tickets;
  if (message.state) return { ...message, state: { ...message.state, counters: message.state.counters.filter(isChosen) } };
  if (!message.events) return message;
  const events = message.events.map(({ ticket, actor, counter, call, ...event }) => ({
    ...event, ...(counter && isChosen(counter) && { counter: hall.boardCounter(counter) }), ...(call && { call: { ...call, ticket_id: undefined } }),
  }));
  return { ...message, events };
}

function page(response, pathname) {
  const path = normalize(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
  try {
    const body = readFileSync(join(STATIC, path));
    response.writeHead(200, { "Content-Type": TYPES[extname(path)] ?? "application/octet-stream", "Content-Security-Policy": CSP }).end(body);
  } catch {
    response.writeHead(404).end();
  }
}

function json(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

async function text(request) {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body || "{}";
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await startMock(Number(process.env.QUEUE_HTTP_PORT ?? 8080), Number(process.env.QUEUE_PUSH_PORT ?? 8081));
  console.log("http://localhost:8080/kiosk/?branch=main#token=any  (also /display/ and /counter/; the token manager may announce)");
}
