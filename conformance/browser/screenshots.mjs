// Takes the pictures of docs/images from a running daemon whose data folder is new:
//
//   BITVAULT_URL=… BITVAULT_EMAIL=… BITVAULT_PASSWORD=… BITVAULT_PLAYWRIGHT=… BITVAULT_CHROMIUM=… BITVAULT_BIN_DIR=… \
//     node conformance/browser/screenshots.mjs docs/images
//
// The trace is that of a real upload by the command line client, which BITVAULT_BIN_DIR holds.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, variable } from "./app.mjs";

/** A picture larger than this has no place in a repository, in bytes. */
const PICTURE_BYTES_MAX = 300_000;
/** What fills the folder: name and bytes. */
const FILES = [
  ["Annual report 2025.pdf", 4_812_443],
  ["Budget 2026.xlsx", 231_004],
  ["Keynote rehearsal.mp4", 38_400_000],
  ["Roadmap.md", 6_214],
  ["Team photo.jpg", 3_904_551],
];
const FOLDERS = ["Contracts", "Design", "Invoices"];
/** What is on its way while the picture is taken. */
const UPLOADS = [
  ["Site visit, drone footage.mov", 220_000_000],
  ["Interview Amsterdam.wav", 61_000_000],
];

const VIEWPORT = { width: 1280, height: 800 };

const into = process.argv[2];
assert.ok(into, "name the folder of the pictures");
const scratch = await mkdtemp(join(tmpdir(), "bitvault-pictures-"));
const app = await open({ viewport: VIEWPORT, colorScheme: "light", deviceScaleFactor: 1.5 });
const { page } = app;

async function picture(name, options = {}) {
  const path = join(into, name);
  // Neither a pointer's hover nor a toast belongs in it.
  await page.mouse.move(2, page.viewportSize().height - 2);
  await page.waitForFunction(() => !document.querySelector("button:hover, a:hover, tr:hover"));
  await page.locator(".toast").first().waitFor({ state: "detached" });
  await page.screenshot({ path, ...options });
  const { size } = await stat(path);
  assert.ok(size < PICTURE_BYTES_MAX, `${name} has ${size} bytes`);
  console.log(`${path}: ${size} bytes`);
}

async function make(files) {
  const paths = [];
  for (const [name, size] of files) {
    const path = join(scratch, name);
    await writeFile(path, Buffer.alloc(size, name));
    paths.push(path);
  }
  return paths;
}

function bitvault(args, input = "") {
  const result = spawnSync(join(variable("BITVAULT_BIN_DIR"), "bitvault"), args, {
    input,
    encoding: "utf8",
    env: { ...process.env, HOME: scratch, XDG_CONFIG_HOME: scratch, XDG_STATE_HOME: scratch },
  });
  assert.equal(result.status, 0, `bitvault ${args}: ${result.stderr}${result.error ?? ""}`);
}

try {
  await page.goto("/");
  await page.getByLabel("Email").fill(variable("BITVAULT_EMAIL"));
  await page.getByLabel("Password").fill(variable("BITVAULT_PASSWORD"));
  await picture("sign-in.png");
  await page.getByRole("button", { name: "Sign in" }).click();

  await app.createFolder("Projects");
  await app.enter("Projects");
  for (const name of FOLDERS) {
    await app.createFolder(name);
    await app.row(name).waitFor();
  }
  await app.choose(await make(FILES));
  const panel = page.getByRole("region", { name: "Uploads" });
  await panel.getByRole("heading", { name: `${FILES.length} files uploaded` }).waitFor();
  await panel.getByRole("button", { name: "Clear" }).click();

  bitvault(["login", variable("BITVAULT_URL"), "--email", variable("BITVAULT_EMAIL"), "--password-stdin"], variable("BITVAULT_PASSWORD"));
  bitvault(["put", join(scratch, "Annual report 2025.pdf"), "/Projects/Contracts"]);
  await page.setViewportSize({ ...VIEWPORT, height: 1200 });
  await page.goto("/operator/traces");
  const trace = page.getByRole("link", { name: /put/ }).first();
  await trace.click();
  await page.getByRole("list", { name: "Spans" }).waitFor();
  await picture("trace.png", { scale: "css" });
  await page.setViewportSize(VIEWPORT);

  await page.goto("/");
  await app.enter("Projects");
  const uploads = await make(UPLOADS);
  await app.slow(9_000);
  await app.choose(uploads);
  await page.waitForFunction(() => document.querySelector(".uploads .overall")?.value > 280);
  await picture("files.png");
  await panel.getByRole("button", { name: "Cancel all" }).click();
} catch (error) {
  await page.screenshot({ path: join(into, "failed.png") });
  throw error;
} finally {
  await app.close();
  await rm(scratch, { recursive: true, force: true });
}
