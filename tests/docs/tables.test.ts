import * as assert from "uvu/assert";
import { generatedParts } from "../../docs/generated-parts.js";
import { suite } from "../../server/test/support/suite.js";
import { readPage } from "./pages.js";

const test = suite("tables of the docs");

for (const { page, marker, text } of generatedParts()) {
  test(`${marker} of ${page} is up to date`, () => {
    const [, part] = new RegExp(`<!-- ${marker} -->\\n(.*?)<!-- /${marker} -->`, "s").exec(readPage(page)) ?? [];
    assert.is(part, text, `${page}: npm run docs`);
  });
}

test.run();
