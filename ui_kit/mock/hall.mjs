/**
 * A hall in memory, for looking at the screens without a server: the interface's forms, first come first served.
 * It knows no rules worth testing; the tests of rules are the server's.
 */
const name = (en, hans, hant) => ({ en, "zh-Hans": hans, "zh-Hant": hant });

const SERVICES = [
  ["cash", "A", name("Cash and payments", "现金与缴费", "現金與繳費"), 240],
  ["cards", "B", name("Cards and online banking", "银行卡与网上银行", "銀行卡與網路銀行"), 420],
  ["accounts", "C", name("Open an account", "开户", "開戶"), 900],
  ["loans", "D", name("Loans and mortgages", "贷款与按揭", "貸款與按揭"), 1500],
];

export const BRANCH = {
  id: "main",
  name: name("Harbour Street Branch", "海港街支行", "海港街分行"),
  languages: ["en", "zh-Hans", "zh-Hant"],
  time_zone: "Asia/Hong_Kong",
};

export const TIERS = [
  { id: "gold", name: name("Gold", "金卡", "金卡"), target_seconds: 600 },
  { id: "standard", name: name("Standard", "普通", "普通"), target_seconds: 1200 },
];

/** What staff choose from, as the configuration has it. */
export const CHOICES = {
  pause_reasons: [
    { id: "break", name: name("Break", "休息", "休息") }, { id: "vault", name: name("Cash to the vault", "现金入库", "現金入庫") },
    { id: "training", name: name("Training", "培训", "培訓") },
  ],
  outcomes: [
    { id: "done", name: name("Done", "已办妥", "已辦妥") }, { id: "papers", name: name("Papers missing", "资料不全", "資料不全") },
    { id: "advice", name: name("Advice only", "仅咨询", "僅諮詢") },
  ],
  announcements: [
    { id: "closing", text: name("We close in fifteen minutes. Customers with a ticket will still be served.", "本网点将于十五分钟后停止营业，已取号的客户仍可办理。", "本分行將於十五分鐘後停止營業，已取號的客戶仍可辦理。") },
    { id: "fire", text: name("Please leave the building by the nearest exit.", "请从最近的出口离开大楼。", "請從最近的出口離開大樓。") },
  ],
  profiles: [], undo_seconds: 30,
};

export class Refused extends Error {
  constructor(status, code, detail, more = {}) {
    super(detail);
    this.problem = { type: "about:blank", title: code, status, detail, code, ...more };
  }
}

export class MockHall {
  day = new Date().toISOString().slice(0, 10);
  seq = 0;
  tickets = new Map();
  calls = [];
  issued = {};
  listeners = new Set();
  notices = [];
  notes = new Map();
  steps = new Map();
  closed = {};

  constructor() {
    this.counters = Array.from({ length: 6 }, (_, index) => ({
      id: `c${index + 1}`, number: index + 1, zone: index < 5 ? "hall" : "vip", state: "closed", profile: null, staff: null,
      ticket: null, parked: [], reason: null, since: null, help: null, switched_by: null,
    }));
  }

  // ----- views
  services() {
    const open = this.counters.filter((counter) => counter.state !== "closed").length;
    return SERVICES.map(([id, , names, seconds]) => {
      const ahead = this.waiting().filter((ticket) => ticket.service === id).length;
      const mean = (ahead * seconds) / Math.max(1, open);
      return {
        id, name: names, open: !this.closed[id], reason: null, until: null, ...this.closed[id], waiting: ahead, ahead,
        p50_seconds: open ? Math.round(mean * 0.7) : null, p90_seconds: open ? Math.round(mean * 1.6 + 60) : null,
      };
    });
  }

  boardCounter({ id, number, zone, state, ticket, since }) {
    return { id, number, zone, state, ticket_number: this.tickets.get(ticket)?.number ?? null, since };
  }

  state(view) {
    const calls = this.calls.map(({ ticket_id, ...call }) => (view === "staff" ? { ...call, ticket_id } : call));
    const services = this.services();
    const { notices } = this;
    if (view !== "staff") return { branch: BRANCH, counters: this.counters.map((counter) => this.boardCounter(counter)), calls, notices, services };
    const ended = ["finished", "cancelled", "expired"];
    return { branch: BRANCH, tickets: [...this.tickets.values()].filter((ticket) => !ended.includes(ticket.state)), counters: this.counters, calls, notices, services };
  }

  waiting() {
    return [...this.tickets.values()].filter((ticket) => ticket.state === "waiting").sort((a, b) => Date.parse(a.place_at) - Date.parse(b.place_at));
  }

  // ----- commands
  issue({ service, tier = "standard", care = null, language = "en", channel = "kiosk", then = [] }, at = now()) {
    const entry = SERVICES.find(([id]) => id === service);
    if (!entry) throw new Refused(422, "unknown_service", `There is no service ${service}.`);
    if (this.closed[service]) throw new Refused(409, "service_closed", `${entry[2].en} is closed.`, { reopens_at: this.closed[service].until });
    this.issued[service] = (this.issued[service] ?? 0) + 1;
    const shown = this.services().find(({ id }) => id === service);
    const ticket = {
      ticket_id: `t${this.seq + 1}`, number: entry[1] + String(this.issued[service]).padStart(3, "0"), service, tier, care, state: "waiting", counter: null, zone: null,
      staff: null, park_kind: null, channel, language, arrived_at: at, place_at: at, issued_at: at, due_at: dueAt(at, tier), waited_seconds: 0, called_at: null, serving_at: null,
      ended_at: null, recalls: 0, stages: [stage(service, "waiting"), ...then.map((next) => stage(next, "to_come"))], classified_by: null, ahead: shown.ahead, p50_seconds: shown.p50_seconds, p90_seconds: shown.p90_seconds,
    };
    this.tickets.set(ticket.ticket_id, ticket);
    return this.commit([["TicketIssued", { ticket }]], { ticket });
  }

  counterStep(id, step, body) {
    const counter = this.counters.find((one) => one.id === id);
    if (!counter) throw new Refused(404, "unknown_counter", `There is no counter ${id}.`);
    if (step === "help") return this.commit([["HelpRequested", { counter: Object.assign(counter, { help: { since: now(), reason: body.reason ?? null } }) }]], { counter });
    if (step === "acknowledge") return this.commit([["HelpAcknowledged", { counter: Object.assign(counter, { help: null }) }]], { counter });
    if (step === "serve") return this.serve(counter, body);
    if (step === "call-next") return this.callNext(counter, body);
    if (step === "call") return this.commit([this.call(counter, this.tickets.get(body.ticket))], this.receipt(counter, "You chose this ticket."));
    const [from, to, fact] = {
      open: [["closed"], "open", "CounterOpened"], close: [["open", "paused"], "closed", "CounterClosed"],
      pause: [["open"], "paused", "CounterPaused"], resume: [["paused"], "open", "CounterResumed"],
    }[step];
    if (!from.includes(counter.state) && !(step === "open" && body.take_over)) throw new Refused(409, "wrong_state", `Counter ${counter.number} is ${counter.state}.`);
    this.set(counter, { state: to, reason: body.reason ?? null });
    return this.commit([[fact, { counter }]], { counter });
  }

  callNext(counter, body) {
    if (counter.state === "calling") throw new Refused(409, "counter_busy", `Counter ${counter.number} is calling ${this.tickets.get(counter.ticket).number}.`);
    if (!["open", "serving"].includes(counter.state)) throw new Refused(409, "counter_closed", `Counter ${counter.number} is not open.`);
    const facts = [];
    const finished = counter.ticket && body.finish ? this.tickets.get(counter.ticket) : null;
    if (finished) {
      this.keep(finished, counter);
      facts.push(this.finish(counter, finished));
    }
    const next = this.waiting()[0];
    if (next) facts.push(this.call(counter, next));
    return this.commit(facts, { ...this.receipt(counter, next && `${next.number} had waited the longest of ${this.waiting().length + 1}.`), ticket: next ?? null, finished });
  }

  serve(counter, { service }) {
    const { ticket } = this.issue({ service, channel: "counter" });
    const held = Object.assign(this.tickets.get(ticket.ticket_id), { state: "serving", counter: counter.id, called_at: now(), serving_at: now() });
    this.set(counter, { state: "serving", ticket: held.ticket_id });
    return this.commit([["ServingStarted", { ticket: held, counter }]], { ticket: held, counter });
  }

  call(counter, ticket) {
    this.keep(ticket, counter);
    Object.assign(ticket, { state: "called", counter: counter.id, called_at: now(), waited_seconds: this.waited(ticket) });
    this.set(counter, { state: "calling", ticket: ticket.ticket_id });
    return ["TicketCalled", { ticket, counter, call: this.announce(ticket) }];
  }

  ticketStep(id, step, body) {
    const ticket = this.tickets.get(id);
    if (!ticket) throw new Refused(404, "unknown_ticket", `There is no ticket ${id}.`);
    const counter = this.counters.find((one) => one.id === (body.counter && step === "unpark" ? body.counter : ticket.counter));
    if (step === "undo") return this.undo(ticket);
    if (counter) this.keep(ticket, counter);
    const facts = {
      recall: () => ["TicketRecalled", { ticket: Object.assign(ticket, { recalls: ticket.recalls + 1 }), call: this.announce(ticket) }],
      start: () => ["ServingStarted", { ticket: Object.assign(ticket, { state: "serving", serving_at: now() }), counter: this.set(counter, { state: "serving" }) }],
      finish: () => this.finish(counter, ticket),
      park: () => this.park(counter, ticket, body.kind ?? "counter"),
      unpark: () => ["TicketUnparked", { ticket: Object.assign(ticket, { state: "serving", counter: counter.id, park_kind: null }), counter: this.set(counter, { state: "serving", ticket: id, parked: counter.parked.filter((other) => other !== id) }) }],
      "no-show": () => this.end(counter, ticket, "no_show", "NoShowRecorded"),
      requeue: () => this.end(counter, ticket, "waiting", "TicketRequeued"),
      transfer: () => this.end(counter, Object.assign(ticket, { service: body.service ?? ticket.service }), "waiting", "TicketTransferred"),
    };
    return this.commit([facts[step]()], { ticket, counter });
  }

  announceNotice({ template = null, note = null, zone = null }) {
    if ((template === null) === (note === null)) throw new Refused(422, "invalid_body", "Send exactly one of template and note.");
    const announcement = `n${this.seq + 1}`;
    if (note) this.notes.set(announcement, note);
    const text = CHOICES.announcements.find(({ id }) => id === template)?.text ?? null;
    const notice = { seq: this.seq + 1, at: now(), until: new Date(Date.now() + 300_000).toISOString(), announcement, template, text, zone };
    this.notices = [notice, ...this.notices].slice(0, 5);
    return this.commit([["AnnouncementMade", { notice }]], { announcement });
  }

  // ----- inside
  keep(ticket, counter) {
    this.steps.set(ticket.ticket_id, JSON.parse(JSON.stringify({ ticket, counter })));
  }

  undo(ticket) {
    const before = this.steps.get(ticket.ticket_id);
    if (!before) throw new Refused(409, "undo_refused", `${ticket.number} has no step that could be taken back`);
    this.steps.delete(ticket.ticket_id);
    const counter = this.counters.find(({ id }) => id === before.counter.id);
    const facts = [];
    if (counter.ticket && counter.ticket !== ticket.ticket_id) {
      const other = this.tickets.get(counter.ticket);
      facts.push(["StepUndone", { ticket: Object.assign(other, { state: "waiting", counter: null }), withdrawn: this.withdraw(other) }]);
    }
    const withdrawn = ticket.state === "called" ? { withdrawn: this.withdraw(ticket) } : {};
    Object.assign(ticket, before.ticket);
    facts.push(["StepUndone", { ticket, counter: Object.assign(counter, before.counter, { help: counter.help }), ...withdrawn }]);
    return this.commit(facts, { ticket, counter });
  }

  withdraw({ number }) {
    this.calls = this.calls.filter((call) => call.number !== number);
    return number;
  }

  park(counter, ticket, kind) {
    if (kind === "counter" && counter.parked.length >= 3) throw new Refused(409, "park_limit", `Counter ${counter.number} keeps 3 parked tickets already, and 3 is the most; unpark, requeue or transfer one first`);
    const parked = kind === "counter" ? [...counter.parked, ticket.ticket_id] : counter.parked;
    const stages = ticket.stages.map((each) => (each.state === ticket.state ? { ...each, state: "parked", served_seconds: 130 } : each));
    return ["TicketParked", { ticket: Object.assign(ticket, { state: "parked", park_kind: kind, stages }), counter: this.set(counter, { state: "open", ticket: null, parked }) }];
  }

  finish(counter, ticket) {
    const next = ticket.stages.find(({ state }) => state === "to_come");
    if (!next) return this.end(counter, ticket, "finished", "ServingFinished");
    const stages = ticket.stages.map((each) => (each === next ? { ...each, state: "waiting" } : each.state === "to_come" ? each : { ...each, state: "finished" }));
    return this.end(counter, Object.assign(ticket, { service: next.service, stages }), "waiting", "StageFinished");
  }

  end(counter, ticket, state, fact) {
    Object.assign(ticket, { state, counter: null });
    return [fact, { ticket, counter: this.set(counter, { state: "open", ticket: null }) }];
  }

  set(counter, changes) {
    return Object.assign(counter, changes, { since: now() });
  }

  announce(ticket) {
    const call = { seq: this.seq + 1, at: now(), number: ticket.number, ticket_id: ticket.ticket_id, counter: ticket.counter, recalls: ticket.recalls };
    this.calls = [call, ...this.calls.filter((other) => other.number !== ticket.number)].slice(0, 12);
    return call;
  }

  waited(ticket) {
    return (Date.now() - Date.parse(ticket.arrived_at)) / 1000;
  }

  receipt(counter, reason) {
    const waiting = this.waiting().length;
    const routing = reason ? { policy: "fifo", rule: "policy", share: 0.5, waiting, overtook: { count: 0, first: [] }, reason } : null;
    return { counter, ticket: this.tickets.get(counter.ticket) ?? null, routing };
  }

  commit(facts, receipt) {
    const prev = this.seq;
    for (const [, { ticket }] of facts) if (ticket) ticket.stages = ticket.stages.map((each) => (["finished", "to_come"].includes(each.state) ? each : { ...each, state: ticket.state }));
    const events = facts.map(([fact, values]) => JSON.parse(JSON.stringify({ seq: ++this.seq, at: now(), name: fact, actor: "mock", ...values, services: this.services().map(({ id, waiting }) => ({ id, waiting })) })));
    if (events.length > 0) for (const tell of this.listeners) tell({ type: "delta", day: this.day, prev, seq: this.seq, events });
    return { day: this.day, seq: this.seq, ...JSON.parse(JSON.stringify(receipt)) };
  }
}

function stage(service, state) {
  return { service, state, waited_seconds: 0, served_seconds: 0, parked_seconds: 0, outcome: null };
}

function dueAt(at, tier) {
  const { target_seconds: seconds } = TIERS.find(({ id }) => id === tier);
  return new Date(Date.parse(at) + seconds * 1000).toISOString();
}

export function now() {
  return new Date().toISOString();
}
