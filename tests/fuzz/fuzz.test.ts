import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { inputKinds } from "./kinds.js";
import { runFuzz } from "./run/run-fuzz.js";
import { runSettingsFuzz } from "./settings/run-settings-fuzz.js";

const test = suite("hostile input");
const quiet = { print: () => {} };

// Many more: npm run fuzz
test("a hundred inputs over the wire end nothing, hang nothing, leave nothing open, and are logged without keys and values", async () => {
  const { findings, sent, ordinaryCalls } = await runFuzz({ ...quiet, seed: 1, from: 0, inputs: 100 });
  assert.equal([...findings.keys()], []);
  const isSent = (name: string) => [...sent.keys()].some((portAndKind) => portAndKind.includes(name));
  const ports = ["calls ", "admin ", "calls over TLS ", "strangers over TLS ", "TLS itself "];
  assert.equal(
    [...ports, ...inputKinds.map(({ name }) => ` ${name}`)].filter((name) => !isSent(name)),
    [],
    "what was not sent",
  );
  assert.ok(ordinaryCalls > 20, `${ordinaryCalls} ordinary calls`);
});

test("three thousand configurations are accepted, or refused by one line without a secret", () => {
  const { findings, accepted, refused } = runSettingsFuzz({ ...quiet, seed: 1, inputs: 3000 });
  assert.equal([...findings.keys()], []);
  assert.ok(accepted > 300 && refused > 300, `${accepted} accepted, ${refused} refused`);
});

test.run();
