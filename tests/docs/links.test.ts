import * as assert from "uvu/assert";
import { suite } from "../../server/test/support/suite.js";
import { holds, listPages, readLinks, readPage } from "./pages.js";

const test = suite("pages");

const own = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];
const packages = ["client/README.md", "server/README.md", "cli/README.md"];
const pages = [...own, ...packages, ...listPages("docs"), ...listPages("examples"), ...listPages(".github")];

test("README fits on a few screens", () => {
  assert.ok(readPage("README.md").trimEnd().split("\n").length <= 160);
});

test("every link between pages leads somewhere", () => {
  const broken = pages.flatMap((page) =>
    readLinks(page)
      .filter((link) => !holds(link))
      .map(({ target, anchor }) => `${page}: ${target}${anchor === undefined ? "" : `#${anchor}`}`),
  );
  assert.equal(broken, []);
});

test("every page of the docs is within two clicks of README", () => {
  const first = readLinks("README.md").map(({ target }) => target);
  const second = first.filter((target) => target.endsWith(".md")).flatMap((page) => readLinks(page));
  const reached = new Set([...first, ...second.map(({ target }) => target)]);
  assert.equal(
    listPages("docs").filter((page) => !reached.has(page)),
    [],
  );
});

test("the index lists every page of the docs", () => {
  const listed = new Set(readLinks("docs/README.md").map(({ target }) => target));
  const missing = listPages("docs").filter(
    (page) => page !== "docs/README.md" && !/^docs\/decisions\/\d/.test(page) && !listed.has(page),
  );
  assert.equal(missing, []);
});

test.run();
