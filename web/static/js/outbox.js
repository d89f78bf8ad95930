// What the driver reported and the office does not have yet. Kept in IndexedDB until the server answers 2xx.
//
// A report is { client_id, sequence, report, files, problem, isLocating }: `client_id` makes it count once however often
// it is sent, `sequence` is this phone's own order, `files` are [{ kind, type, buffer }] (ArrayBuffers: Safari loses
// Blobs in IndexedDB), `problem` is the server's sentence when it refused (a 4xx): then it is kept for a person to look
// at. While `isLocating`, the phone still looks for its place: it is kept at once and sent a moment later.

import { openDB } from "../vendor/idb/index.js";

const TIMEOUT_MS = 60_000;

export class Outbox {
  #db = null;
  #memory = []; // where the phone keeps nothing (private window): lives as long as the page
  #sequence = 0;
  #flushing = false;
  #tabs = new BroadcastChannel("backroute-outbox"); // what one tab sent, another must not show as waiting

  constructor({ token, changed }) {
    this.token = token;
    this.changed = changed;
    this.#tabs.onmessage = () => this.changed();
  }

  /** Whether reports survive a closed page. */
  get isLasting() {
    return this.#db !== null;
  }

  async open() {
    try {
      this.#db = await openDB("backroute", 1, {
        upgrade(db) {
          db.createObjectStore("reports", { keyPath: "client_id" }).createIndex("by_sequence", "sequence");
          db.createObjectStore("counters");
        },
      });
      await navigator.storage?.persist?.();
      // A page that was closed while it looked for its place looks no more.
      for (const entry of await this.all()) if (entry.isLocating) await this.#put({ ...entry, isLocating: false });
    } catch {
      this.#db = null;
    }
  }

  async add(report, files) {
    const entry = { client_id: newId(), token: this.token, report, files, problem: "", isLocating: true };
    if (this.#db) {
      // One transaction, so that two tabs never give the same number.
      const tx = this.#db.transaction(["counters", "reports"], "readwrite");
      entry.sequence = ((await tx.objectStore("counters").get("sequence")) ?? 0) + 1;
      await tx.objectStore("counters").put(entry.sequence, "sequence");
      await tx.objectStore("reports").put(entry);
      await tx.done;
    } else {
      entry.sequence = ++this.#sequence;
      this.#memory.push(entry);
    }
    await this.#tell();
    return entry;
  }

  /** The phone knows its place, or (null) gave up: from here on the report never changes, so it can be sent. */
  async locate(entry, location) {
    const kept = (await this.all()).find((each) => each.client_id === entry.client_id);
    if (!kept?.isLocating) return;
    await this.#put({ ...kept, isLocating: false, report: { ...kept.report, location } });
  }

  /** Everything not accepted yet, oldest first; also what another route's page on this phone has left. */
  async all() {
    return this.#db ? await this.#db.getAllFromIndex("reports", "by_sequence") : [...this.#memory];
  }

  /** A refused report is sent once more. */
  async tryAgain(entry) {
    await this.#put({ ...entry, problem: "" });
    await this.flush();
  }

  /** Sends what waits, one after the other, in one tab only. Returns the answers of those that were accepted. */
  async flush() {
    if (this.#flushing) return [];
    this.#flushing = true;
    try {
      if (!navigator.locks) return await this.#send(); // plain http: the server counts a doubled report once anyway
      return (await navigator.locks.request("backroute-outbox", { ifAvailable: true }, (lock) => (lock ? this.#send() : []))) ?? [];
    } finally {
      this.#flushing = false;
    }
  }

  async #tell() {
    this.#tabs.postMessage("changed");
    await this.changed();
  }

  async #send() {
    const answers = [];
    const waiting = (await this.all()).filter((entry) => !entry.problem && !entry.isLocating);
    for (const [position, entry] of waiting.entries()) {
      const response = await this.#post(entry, waiting.length - position - 1);
      if (response === null || response.status >= 500 || response.status === 429) break; // later, in the same order
      if (response.ok) {
        answers.push(await response.json());
        await this.#remove(entry); // only now: until here a lost answer means that it is sent again
      } else {
        await this.#put({ ...entry, problem: await sentenceOf(response) });
      }
      await this.#tell();
    }
    return answers;
  }

  async #post(entry, stillWaiting) {
    const form = new FormData();
    form.append("report", JSON.stringify({ ...entry.report, client_id: entry.client_id, sequence: entry.sequence }));
    for (const [n, file] of entry.files.entries()) {
      form.append(file.kind, new Blob([file.buffer], { type: file.type }), `${file.kind}-${n}`);
    }
    const headers = { "X-Backroute-Link": entry.token, "X-Backroute-Pending": String(stillWaiting) };
    try {
      return await fetch("/d/reports", { method: "POST", body: form, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch {
      return null; // no signal
    }
  }

  async #put(entry) {
    if (this.#db) await this.#db.put("reports", entry);
    else this.#memory = this.#memory.map((each) => (each.client_id === entry.client_id ? entry : each));
  }

  async #remove(entry) {
    if (this.#db) await this.#db.delete("reports", entry.client_id);
    else this.#memory = this.#memory.filter((each) => each.client_id !== entry.client_id);
  }
}

async function sentenceOf(response) {
  try {
    return (await response.json()).error.sentence;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // A page without https has no randomUUID; as many random bits all the same.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
