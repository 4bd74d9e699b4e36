// The web app in a headless Chromium, driven as a person would: by roles and labels.
//
// Reads BITVAULT_PLAYWRIGHT (folder with node_modules/playwright-core), BITVAULT_CHROMIUM, BITVAULT_URL, BITVAULT_EMAIL and
// BITVAULT_PASSWORD. Invariant: a console error, an exception or a violation of the content security policy that the
// script did not announce with `expect` ends the run in `close`.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long a step may take, in milliseconds: a busy machine hashes and stores hundreds of megabytes within it. */
const STEP_MS = 120_000;

/** The value of a variable that the caller must set. */
export function variable(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

/** Opens the app in a browser with a profile of its own. */
export async function open(options = {}) {
  const require = createRequire(join(variable("BITVAULT_PLAYWRIGHT"), "package.json"));
  const { chromium } = require("playwright-core");
  const profile = await mkdtemp(join(tmpdir(), "bitvault-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: variable("BITVAULT_CHROMIUM"),
    headless: true,
    args: FLAGS,
    baseURL: variable("BITVAULT_URL"),
    viewport: { width: 1280, height: 800 },
    locale: "en-GB",
    timezoneId: "UTC",
    ...options,
  });
  context.setDefaultTimeout(STEP_MS);
  const page = context.pages()[0];
  const app = new App(context, page, profile);
  await app.watch();
  return app;
}

class App {
  #context;
  #profile;
  #unexpected = [];
  #expected = [];

  constructor(context, page, profile) {
    this.#context = context;
    this.#profile = profile;
    this.page = page;
  }

  async watch() {
    await this.page.exposeFunction("violated", (text) => this.#unexpected.push(`CSP: ${text}`));
    await this.page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) =>
        window.violated(`${event.violatedDirective} blocked ${event.blockedURI || "inline"} at ${event.sourceFile}`),
      );
    });
    this.page.on("pageerror", (error) => this.#unexpected.push(`exception: ${error.stack ?? error}`));
    this.page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      const text = message.text();
      const known = this.#expected.findIndex((pattern) => pattern.test(text));
      if (known >= 0) this.#expected.splice(known, 1);
      else this.#unexpected.push(`console ${message.type()}: ${text} (${message.location().url})`);
    });
  }

  /** Announces one console message, such as what Chromium writes about an answer of 401. */
  expect(pattern) {
    this.#expected.push(pattern);
  }

  /** Fails when something was written that nobody announced. */
  assertQuiet() {
    assert.deepEqual(this.#unexpected, [], "the browser's console stays empty");
    assert.deepEqual(this.#expected, [], "what was announced has come");
  }

  async close() {
    await this.#context.close();
    await rm(this.#profile, { recursive: true, force: true });
  }

  /** Lets requests send `kilobytes` a second; without a number, as fast as they can. */
  async slow(kilobytes) {
    const session = await this.#context.newCDPSession(this.page);
    await session.send("Network.enable");
    await session.send("Network.emulateNetworkConditions", {
      offline: false,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: kilobytes === undefined ? -1 : kilobytes * 1000,
    });
    this.throttle = session;
  }

  async signIn(password = variable("BITVAULT_PASSWORD")) {
    await this.page.getByLabel("Email").fill(variable("BITVAULT_EMAIL"));
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  async createFolder(name) {
    await this.page.getByRole("button", { name: "New folder" }).click();
    const dialog = this.page.getByRole("dialog", { name: "New folder" });
    await dialog.getByLabel("Name").fill(name);
    await dialog.getByRole("button", { name: "Create" }).click();
  }

  /** Opens a folder of the listing. */
  async enter(name) {
    await this.page.getByRole("link", { name, exact: true }).click();
    await this.page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  }

  /** Chooses files in the dialog behind "Upload files". */
  async choose(paths) {
    const chooser = this.page.waitForEvent("filechooser");
    await this.page.getByRole("button", { name: "Upload files" }).click();
    await (await chooser).setFiles(paths);
  }

  /** The row of a file or folder in the listing. */
  row(name) {
    return this.page.locator("table.nodes tbody tr", {
      has: this.page.locator(".row-main").getByText(name, { exact: true }),
    });
  }

  /** The row of a file in the upload panel. */
  upload(name) {
    return this.page
      .getByRole("region", { name: "Uploads" })
      .getByRole("listitem")
      .filter({ has: this.page.getByText(name, { exact: true }) })
      .last();
  }

  /** Names in the listing, in its order. */
  async names() {
    return this.page.locator("table.nodes tbody .row-main").allTextContents();
  }

  /** Downloads a file by its button and answers its SHA-256. */
  async download(name, into) {
    const started = this.page.waitForEvent("download");
    const row = this.row(name);
    await row.hover();
    await row.getByRole("button", { name: `Download ${name}`, exact: true }).click();
    const download = await started;
    assert.equal(download.suggestedFilename(), name, "the download keeps the name");
    const path = join(into, `downloaded-${name}`);
    await download.saveAs(path);
    const hash = await sha256(path);
    await rm(path);
    return hash;
  }
}

/** SHA-256 of a file in hex. */
export async function sha256(path) {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}
