// The page of conflicts, as a person uses it whose desk and laptop changed the same files: budget.md, notes.txt, photo.bmp and
// table.zip. The copies come from the laptop. Keeps the copy of the budget, the notes as they are, both photos, and the copy of
// the table; leaves pictures in BITVAULT_SCRATCH.

import assert from "node:assert/strict";
import { join } from "node:path";
import { open, variable } from "./app.mjs";

const scratch = variable("BITVAULT_SCRATCH");
const WIDE = { width: 1280, height: 860 };
const NARROW = { width: 390, height: 780 };

const app = await open({ colorScheme: "light", viewport: WIDE });
const { page } = app;
/** Without the short messages, which would lie over what is shown. */
const picture = async (name, options = {}) => {
  const messages = page.locator(".toast button");
  while ((await messages.count()) > 0) await messages.first().click({ timeout: 2_000 }).catch(() => {});
  await page.screenshot({ path: join(scratch, name), ...options });
};
const heading = (name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
const back = async (left) => {
  await heading("Conflicts");
  const rows = page.getByRole("list", { name: "Conflicts" }).getByRole("listitem");
  if (left === 0) await page.getByRole("heading", { name: "No conflicts" }).waitFor();
  else await rows.nth(left - 1).waitFor();
  assert.equal(await rows.count(), left);
};
/** Settles a conflict of two texts. */
const choose = async (label, name) => {
  await page.getByRole("link", { name: new RegExp(`^${name.replace(".", "\\.")} `) }).click();
  await heading(name);
  // Content that is still being read when its file goes to the trash would be an error in the console.
  await page.getByRole("row").first().waitFor();
  await page.getByRole("button", { name: label, exact: true }).click();
};
try {
  await page.goto("/");
  await app.signIn();
  // The bar tells how many there are, whichever page is open.
  await page.getByRole("link", { name: /^Conflicts\s*4?\s*, 4 open$/ }).click();
  await back(4);
  await picture("conflicts.png");
  await page.setViewportSize(NARROW);
  await picture("conflicts-narrow.png");
  await page.setViewportSize(WIDE);

  // A text: who, when, where, and what differs.
  await page.getByRole("link", { name: /^budget\.md changed by you on laptop as well/ }).click();
  await heading("budget.md");
  const file = page.getByRole("region", { name: "The file", exact: true });
  const copy = page.getByRole("region", { name: "The conflicted copy", exact: true });
  for (const [side, device] of [
    [file, "desk"],
    [copy, "laptop"],
  ]) {
    assert.match(await side.innerText(), new RegExp(`Changed by\\s+you\\s+On\\s+${device}\\s+When\\s+.*20\\d\\d`, "s"));
  }
  assert.match(await copy.innerText(), /budget \(conflicted copy, laptop, 20\d\d-\d\d-\d\d\)\.md/);
  const changed = page.getByRole("row").filter({ hasText: "only in the file" });
  await changed.waitFor();
  assert.match(await changed.innerText(), /Travel: 95.*Travel: 140/s);
  assert.match(await page.locator("tr.skipped").innerText(), /28 equal lines/);
  await picture("conflict-text.png", { fullPage: true });
  await page.setViewportSize(NARROW);
  await picture("conflict-narrow.png", { fullPage: true });
  await page.setViewportSize(WIDE);
  assert.ok(
    await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth),
    "nothing is wider than the page",
  );
  const saved = page.waitForEvent("download");
  await copy.getByRole("button", { name: /^Download budget \(conflicted copy/ }).click();
  assert.match((await saved).suggestedFilename(), /conflicted copy/);
  // With the keyboard alone.
  await page.getByRole("button", { name: "Keep the copy", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("“budget.md” has the copy's content now").waitFor();
  await back(3);

  await choose("Keep the file", "notes.txt");
  await page.getByText("Kept “notes.txt” as it was").waitFor();
  await back(2);

  // Images side by side.
  await page.getByRole("link", { name: /^photo\.bmp / }).click();
  await heading("photo.bmp");
  for (const name of [/^The file: photo/, /^The conflicted copy: photo/]) {
    const image = page.getByRole("img", { name });
    await image.waitFor();
    await page.waitForFunction((image) => image.complete && image.naturalWidth === 240, await image.elementHandle());
  }
  await picture("conflict-images.png", { fullPage: true });
  await page.getByRole("button", { name: "Keep both", exact: true }).click();
  await page.getByText("Kept both: “photo.bmp” and “photo (laptop).bmp”").waitFor();
  await back(1);

  // What can't be shown; and somebody changes the file while it is looked at.
  await page.getByRole("link", { name: /^table\.zip / }).click();
  await heading("table.zip");
  await page.getByText("The contents can't be shown here.").waitFor();
  await picture("conflict-other.png");
  const answered = page.waitForResponse((response) => response.url().endsWith("/resolve"));
  await page.route("**/resolve", (route) =>
    route.continue({ headers: { ...route.request().headers(), "if-match": '"1"' } }),
  );
  app.expect(/412/);
  await page.getByRole("button", { name: "Keep the copy", exact: true }).click();
  assert.equal((await answered).status(), 412);
  await page.getByRole("alert").getByText("One of both files has changed while you were looking.").waitFor();
  await page.unroute("**/resolve");
  await page.getByRole("button", { name: "Keep the copy", exact: true }).click();
  await page.getByText("“table.zip” has the copy's content now").waitFor();
  await back(0);
  await picture("conflicts-none.png");
  assert.equal(await page.getByRole("link", { name: /^Conflicts/ }).innerText(), "Conflicts");

  // One that is over says so.
  app.expect(/404/);
  await page.goto("/conflicts/cnf_00000000000000000000000000000000");
  await page.getByRole("heading", { name: "This conflict is over" }).waitFor();
  await page.getByRole("link", { name: "To the conflicts" }).click();
  await back(0);
  app.assertQuiet();
} finally {
  await app.close();
}
