// Somebody's first hour with the web app: sign in, folders, uploads large and small, conflicts, downloads, the trash, sign out.
//
// Beside what app.mjs reads: BITVAULT_SCRATCH, a folder with `large.bin` (≥ 200 MB) and room to download it.

import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { open, sha256, variable } from "./app.mjs";

const FOLDER = "Reports 2026";
const scratch = variable("BITVAULT_SCRATCH");
const large = join(scratch, "large.bin");

async function file(name, content) {
  const path = join(scratch, name);
  await writeFile(path, content);
  return path;
}

const app = await open();
const { page } = app;
const panel = page.getByRole("region", { name: "Uploads" });

const steps = {
  async "a wrong password is told and leaves the form as it is"() {
    await page.goto("/");
    await page.waitForURL(/\/sign-in/);
    app.expect(/401 \(Unauthorized\)/);
    await app.signIn("not the password");
    const alert = page.getByRole("alert").filter({ hasText: /\S/ });
    await alert.waitFor();
    assert.match(await alert.innerText(), /password is wrong|wrong password|password.*(wrong|not right|incorrect)/i);
    assert.equal(await page.getByLabel("Email").inputValue(), variable("BITVAULT_EMAIL"));
  },

  async "the right password leads to the files"() {
    await app.signIn();
    await page.getByRole("heading", { name: "This folder is empty" }).waitFor();
  },

  async "a folder is created, and its name is taken from then on"() {
    await app.createFolder(FOLDER);
    await app.row(FOLDER).waitFor();
    app.expect(/409 \(Conflict\)/);
    await app.createFolder(FOLDER);
    const dialog = page.getByRole("dialog", { name: "New folder" });
    await dialog.getByRole("alert").filter({ hasText: /\S/ }).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    assert.deepEqual(await app.names(), [FOLDER]);
    await app.enter(FOLDER);
  },

  async "several files arrive, an empty one and one of two scripts among them"() {
    const paths = [
      await file("notes.txt", "first\n"),
      await file("empty.txt", ""),
      await file("Zürich 東京.csv", "a,b\n1,2\n"),
      await file("photo.jpg", Buffer.alloc(3_000_000, 7)),
    ];
    await app.choose(paths);
    await panel.getByRole("heading", { name: "4 files uploaded" }).waitFor();
    for (const name of ["notes.txt", "empty.txt", "Zürich 東京.csv", "photo.jpg"]) await app.row(name).waitFor();
    assert.match(await app.row("empty.txt").innerText(), /0 bytes/);
    for (const path of paths) {
      const name = path.slice(scratch.length + 1);
      assert.equal(await app.download(name, scratch), await sha256(path), `${name} comes back as it was`);
    }
    await panel.getByRole("button", { name: "Clear" }).click();
    await panel.waitFor({ state: "detached" });
  },

  async "a dropped file arrives like a chosen one"() {
    const transfer = await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["dropped\n"], "dropped.txt", { type: "text/plain" }));
      return transfer;
    });
    const zone = page.getByTestId("drop-zone");
    await zone.dispatchEvent("dragenter", { dataTransfer: transfer });
    await page.getByText("Drop to upload here").waitFor({ state: "visible" });
    await zone.dispatchEvent("drop", { dataTransfer: transfer });
    await page.getByText("Drop to upload here").waitFor({ state: "hidden" });
    await app.row("dropped.txt").waitFor();
  },

  async "a large upload can be cancelled and leaves nothing in the folder"() {
    await app.slow(8_000);
    await app.choose([large]);
    const upload = app.upload("large.bin");
    await progressBeyond(upload, 0);
    await upload.getByRole("button", { name: "Cancel the upload of large.bin" }).click();
    await upload.getByText("Cancelled").waitFor();
    await app.slow();
    await page.reload();
    await app.row("notes.txt").waitFor();
    assert.equal(await app.row("large.bin").count(), 0);
  },

  async "a large file arrives in parts with its progress shown"() {
    assert.ok((await stat(large)).size >= 200_000_000);
    let puts = 0;
    const count = (request) => {
      if (request.method() === "PUT") puts += 1;
    };
    page.on("request", count);
    await app.choose([large]);
    const upload = app.upload("large.bin");
    const seen = await watched(upload);
    page.off("request", count);
    assert.ok(seen.length >= 3, `the progress moves: ${seen}`);
    assert.deepEqual(seen, [...seen].sort((a, b) => a - b), "the progress never goes back");
    assert.ok(puts >= 2, `${puts} parts were sent`);
    await panel.getByRole("heading", { name: "1 file uploaded" }).waitFor();
    await app.row("large.bin").waitFor();
    assert.equal(await app.download("large.bin", scratch), await sha256(large), "every byte comes back");
    await panel.getByRole("button", { name: "Clear" }).click();
  },

  async "a taken name asks: replace gives the file its new content"() {
    const path = await file("notes.txt", "second\n");
    await conflict(path, "Replace");
    assert.equal(await app.download("notes.txt", scratch), await sha256(path));
  },

  async "a taken name asks: keep both gives the new file a number"() {
    const first = await sha256(join(scratch, "notes.txt"));
    const path = await file("notes.txt", "third\n");
    await conflict(path, "Keep both");
    await app.row("notes (2).txt").waitFor();
    assert.equal(await app.download("notes (2).txt", scratch), await sha256(path));
    assert.equal(await app.download("notes.txt", scratch), first);
  },

  async "a taken name asks: skip leaves everything as it is"() {
    const before = await app.names();
    await conflict(await file("photo.jpg", "not a photo"), "Skip");
    assert.deepEqual(await app.names(), before);
    assert.match(await app.row("photo.jpg").innerText(), /3\.0 MB/);
  },

  async "a file goes to the trash after a question"() {
    await ask("empty.txt").then((dialog) => dialog.getByRole("button", { name: "Cancel" }).click());
    assert.equal(await app.row("empty.txt").count(), 1);
    await ask("empty.txt").then((dialog) => dialog.getByRole("button", { name: "Move to trash" }).click());
    await app.row("empty.txt").waitFor({ state: "detached" });
  },

  async "who signed out sees nothing more"() {
    await page.getByRole("button", { name: /^Account of/ }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(/\/sign-in/);
    await page.goto("/");
    await page.waitForURL(/\/sign-in/);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    assert.equal(await page.getByText("notes.txt").count(), 0);
  },
};

/** Uploads a file whose name is taken, makes the choice and waits for the end. */
async function conflict(path, choice) {
  app.expect(/409 \(Conflict\)/);
  await app.choose([path]);
  const question = panel.getByRole("group", { name: "A file of this name is there already" });
  await question.getByRole("button", { name: choice, exact: true }).click();
  await panel.getByRole("button", { name: "Clear" }).click();
  await panel.waitFor({ state: "detached" });
}

/** The question before a file goes to the trash. */
async function ask(name) {
  const row = app.row(name);
  await row.hover();
  await row.getByRole("button", { name: `Move ${name} to trash` }).click();
  return page.getByRole("dialog", { name: "Move to trash?" });
}

/** Waits until more than `least` thousandths were sent. */
async function progressBeyond(upload, least) {
  const bar = await upload.getByRole("progressbar").elementHandle();
  await page.waitForFunction(([bar, least]) => bar.value > least, [bar, least]);
}

/** Every value that the progress bar shows until it goes away. */
async function watched(upload) {
  const bar = await upload.getByRole("progressbar").elementHandle();
  return bar.evaluate(
    (bar) =>
      new Promise((resolve) => {
        const seen = [];
        const look = () => {
          if (!bar.isConnected) return resolve(seen);
          if (seen.at(-1) !== bar.value) seen.push(bar.value);
          requestAnimationFrame(look);
        };
        look();
      }),
  );
}

let step;
try {
  for (step of Object.keys(steps)) {
    const begin = performance.now();
    await steps[step]();
    app.assertQuiet();
    console.log(`ok: ${step} (${Math.round(performance.now() - begin)} ms)`);
  }
} catch (error) {
  const picture = join(scratch, "failed.png");
  await page.screenshot({ path: picture }).catch(() => {});
  console.error(`failed: ${step}\n${error.stack ?? error}\nat ${page.url()}, which says:`);
  console.error(await page.locator("body").innerText({ timeout: 1_000 }).catch(() => "nothing"));
  process.exitCode = 1;
} finally {
  await app.close();
}
