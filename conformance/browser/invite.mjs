// The page of an invitation, as whoever got the link uses it: reads BITVAULT_LINKS, a JSON with the link, and leaves pictures
// in BITVAULT_SCRATCH.

import assert from "node:assert/strict";
import { join } from "node:path";
import { open, variable } from "./app.mjs";

const { invitation } = JSON.parse(variable("BITVAULT_LINKS"));
const scratch = variable("BITVAULT_SCRATCH");

const app = await open({ colorScheme: "light" });
const { page } = app;
const picture = (name) => page.screenshot({ path: join(scratch, name) });
try {
  const sent = [];
  page.on("request", (request) => sent.push(request.url()));
  await page.goto(invitation);
  await page.getByRole("heading", { level: 1, name: /^Join / }).waitFor();
  const shared = page.getByRole("list", { name: "Shared with you" });
  assert.deepEqual(await shared.getByRole("listitem").allInnerTexts(), [
    "Notes\nyou can view",
    "Plans for 2027\nyou can edit",
  ]);
  assert.equal(await page.getByLabel("Email").inputValue(), "new@example.org");
  await picture("invite.png");
  await page.setViewportSize({ width: 390, height: 780 });
  await picture("invite-narrow.png");
  await page.setViewportSize({ width: 1280, height: 800 });

  // A password that is too easy is told where it is asked for.
  await page.getByLabel("Your name").fill("Grace");
  await page.getByLabel("Choose a password").fill("short");
  app.expect(/400/);
  await page.getByRole("button", { name: "Accept and sign in" }).click();
  await page.getByRole("alert").getByText(/8/).waitFor();
  await page.getByLabel("Choose a password").fill("a long walk in the rain");
  // The way up from a shared folder is not the guest's to see.
  app.expect(/404/);
  await page.keyboard.press("Enter");

  await page.waitForURL(/\/files\/nod_/);
  await page.getByRole("button", { name: "New folder" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Mine");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Mine" }).waitFor();
  await picture("joined.png");
  assert.ok(!page.url().includes("bvi_"), "the token left the address");
  assert.ok(!sent.some((url) => url.includes("bvi_")), "no server saw the token in an address");

  app.expect(/404/);
  await page.goto("about:blank");
  await page.goto(invitation);
  await page.getByRole("heading", { name: "This invitation can't be opened" }).waitFor();
  await picture("used.png");
  app.assertQuiet();
} finally {
  await app.close();
}
