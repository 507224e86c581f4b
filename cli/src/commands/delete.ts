import { exitCodes } from "../../../common/command-line/exit-codes.js";
import { print } from "../../../common/command-line/output.js";
import { UsageError } from "../../../common/command-line/usage-error.js";
import { defineCommand } from "../command.js";
import { etagFlag } from "../etag-flag.js";

const concurrency = 32;

export const deleteKeys = defineCommand({
  usage: "delete KEY...",
  description: `Removes keys, whatever they hold, and prints how many of them held something.
A key that holds nothing is no failure.`,
  flags: {
    "if-present": { type: "boolean", help: "fail if there is no entry; one key only" },
    "if-etag": etagFlag("only if the entry has this etag; one key only"),
  },
  examples: ["dynakv delete greeting visits", 'dynakv delete greeting --if-etag "$ETAG"', "dynakv delete -- -odd-key"],
  positionals: [1, Number.POSITIVE_INFINITY],
  async run({ client, flags, positionals: keys }) {
    const { "if-present": ifPresent, "if-etag": ifEtag } = flags;
    if ((ifPresent || ifEtag !== undefined) && keys.length > 1) {
      throw new UsageError("--if-present and --if-etag are for one key");
    }
    if (ifPresent && ifEtag !== undefined) {
      throw new UsageError("give one of --if-present and --if-etag");
    }
    const options = ifPresent ? { ifPresent } : ifEtag === undefined ? {} : { ifEtag };
    checkKeys(keys);
    const left = new Set(keys);
    let existed = 0;
    let failure: { readonly cause: unknown } | undefined;
    async function work(): Promise<void> {
      for (const key of left) {
        left.delete(key);
        try {
          const hadEntry = await client.delete(key, options);
          existed += hadEntry ? 1 : 0;
        } catch (cause) {
          failure ??= { cause };
          left.clear();
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(concurrency, left.size) }, work));
    // Also when one of several has failed: what is gone is gone.
    if (failure === undefined || keys.length > 1) {
      await print(`${existed}\n`);
    }
    if (failure !== undefined) {
      throw failure.cause;
    }
    return exitCodes.done;
  },
});

/** As the server has it. */
const maxKeyBytes = 2048;

/** The server would refuse a bad key when it comes to it, and the others would be gone. */
function checkKeys(keys: readonly string[]): void {
  for (const [index, key] of keys.entries()) {
    const bytes = Buffer.byteLength(key);
    if (bytes < 1 || bytes > maxKeyBytes) {
      throw new UsageError(`KEY ${index + 1} has ${bytes} bytes; a key has 1 to ${maxKeyBytes}`);
    }
  }
}
