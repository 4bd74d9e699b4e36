// The pages of public links as somebody without an account uses them: reads BITVAULT_LINKS, a JSON of the links' URLs, and
// leaves pictures in BITVAULT_SCRATCH.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { open, sha256, variable } from "./app.mjs";

const links = JSON.parse(variable("BITVAULT_LINKS"));
const scratch = variable("BITVAULT_SCRATCH");
const STYLES = { colorScheme: "light" };

async function picture(page, name) {
  await page.screenshot({ path: join(scratch, name) });
}

async function saved(download, name) {
  assert.equal(download.suggestedFilename(), name);
  const path = join(scratch, name);
  await download.saveAs(path);
  return path;
}

// Without scripts: the password, a listing, a download, an archive.
{
  const app = await open({ ...STYLES, javaScriptEnabled: false });
  const { page } = app;
  try {
    app.expect(/404/);
    await page.goto(links.locked);
    await page.getByRole("heading", { level: 1, name: "This link is not open" }).waitFor();
    await picture(page, "locked.png");
    app.expect(/404/);
    await page.getByLabel("Password").fill("not this one");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await picture(page, "wrong.png");
    await page.getByLabel("Password").fill(links.password);
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByRole("heading", { level: 1, name: "Field trip" }).waitFor();
    await picture(page, "folder.png");

    await page.getByRole("link", { name: "Photos <2026>" }).click();
    await page.getByRole("heading", { level: 1, name: "Photos <2026>" }).waitFor();
    let started = page.waitForEvent("download");
    await page.getByRole("link", { name: "Zürich 東京.txt" }).click();
    const file = await saved(await started, "Zürich 東京.txt");
    assert.equal(await readFile(file, "utf8"), "hello from a link\n");

    await page.getByRole("link", { name: "Field trip" }).click();
    started = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download all as ZIP" }).click();
    const archive = await readFile(await saved(await started, "Trip.zip"));
    assert.equal(archive.subarray(0, 4).toString("latin1"), "PK\u0003\u0004");
    // By keyboard alone: the first stop leads to the content.
    await page.reload();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "To the content");
    await page.setViewportSize({ width: 390, height: 720 });
    await picture(page, "narrow.png");
    app.assertQuiet();
  } finally {
    await app.close();
  }
}

// A drop box, in the dark, with a file of several parts.
{
  const app = await open({ colorScheme: "dark" });
  const { page } = app;
  try {
    const small = join(scratch, "report.txt");
    const large = join(scratch, "large.bin");
    const empty = join(scratch, "empty.txt");
    await writeFile(small, "homework\n");
    await writeFile(empty, "");
    const bytes = Buffer.alloc(70_000_001);
    for (let at = 0; at < bytes.length; at += 4093) bytes.writeUInt8(at % 251, at);
    await writeFile(large, bytes);
    await page.goto(links.drop);
    await page.getByRole("heading", { level: 1, name: "Homework" }).waitFor();
    await page.getByLabel("Files", { exact: true }).setInputFiles([small, large, empty]);
    await page.getByRole("button", { name: "Send" }).click();
    const rows = page.getByRole("list", { name: "Files you have added" }).getByRole("listitem");
    await rows.filter({ hasText: "Sent" }).nth(2).waitFor();
    await picture(page, "drop.png");
    await writeFile(join(scratch, "large.sha256"), await sha256(large));
    app.assertQuiet();
  } finally {
    await app.close();
  }
}
