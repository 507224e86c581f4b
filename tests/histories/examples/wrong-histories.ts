import type { Operation } from "../check/operation.js";
import {
  absent,
  counted,
  counter,
  del,
  deleted,
  get,
  history,
  ifEtag,
  incr,
  missing,
  notApplied,
  present,
  refused,
  set,
  stored,
  touch,
  touched,
  unknown,
  value,
} from "./notation.js";

/** What must be found. */
export const wrongHistories: Record<string, Operation[]> = {
  "a lost update": history(
    [1, set("a"), stored("e1")],
    [[2, 5], set("b", ifEtag("e1")), stored("e2")],
    [[3, 6], set("c", ifEtag("e1")), stored("e3")],
  ),
  "a stale strong read": history([1, set("a"), stored("e1")], [2, set("b"), stored("e2")], [3, get, value("a", "e1")]),
  "two reads that see a set and then do not": history(
    [[1, 9], set("a"), stored("e1")],
    [2, get, value("a", "e1")],
    [3, get, missing],
  ),
  "an increment that counted twice": history([1, incr(), counted(1n, "e1")], [2, incr(), counted(3n, "e2")]),
  "an unknown increment that counted twice": history([1, incr(), unknown], [2, incr(), counted(3n, "e2")]),
  "an increment that was lost": history([1, incr(), counted(1n, "e1")], [2, incr(), counted(1n, "e2")]),
  "an answer that was given twice": history(
    [1, incr(), counted(1n, "e1")],
    [[2, 4], incr(), counted(2n, "e2")],
    [[3, 5], incr(), counted(2n, "e2")],
  ),
  "a set undone by its own repetition": history(
    [1, set("a"), unknown],
    [2, get, value("a", "e1")],
    [3, set("b"), stored("e2")],
    [4, get, value("a", "e1")],
  ),
  "an unknown set that took effect twice under two etags": history(
    [1, set("a"), unknown],
    [2, get, value("a", "e1")],
    [3, get, value("a", "e2")],
  ),
  "a delete undone": history([1, set("a"), stored("e1")], [2, del, deleted(true)], [3, get, value("a", "e1")]),
  "a delete that took effect twice": history(
    [1, set("a"), stored("e1")],
    [[2, 9], del, deleted(true)],
    [3, get, missing],
    [4, set("b"), stored("e2")],
    [5, get, missing],
  ),
  "two winners of if_absent": history(
    [[1, 4], set("a", absent), stored("e1")],
    [[2, 5], set("b", absent), stored("e2")],
  ),
  "ALREADY_EXISTS for a set's own success": history(
    [1, get, missing],
    [2, set("a", absent), refused("ALREADY_EXISTS", "e1")],
    [3, get, value("a", "e1")],
  ),
  "ALREADY_EXISTS with the etag of another time": history(
    [1, set("a"), stored("e1")],
    [2, set("b"), stored("e2")],
    [3, set("c", absent), refused("ALREADY_EXISTS", "e1")],
  ),
  "NOT_PRESENT for a key that held something": history(
    [1, set("a"), stored("e1")],
    [2, set("b", present), refused("NOT_PRESENT")],
  ),
  "WRONG_KIND for a counter": history([1, incr(), counted(1n, "e1")], [2, incr(), refused("WRONG_KIND")]),
  "OUT_OF_BOUNDS within the bounds": history(
    [1, incr(), counted(1n, "e1")],
    [2, incr(1n, { max: 2n }), refused("OUT_OF_BOUNDS")],
  ),
  "an increment past its bound": history([1, incr(), counted(1n, "e1")], [2, incr(1n, { max: 1n }), counted(2n, "e2")]),
  "ETAG_MISMATCH with the etag that was wanted": history(
    [1, set("a"), stored("e1")],
    [2, set("b", ifEtag("e1")), refused("ETAG_MISMATCH", "e1")],
  ),
  "a failed write that took effect": history([1, set("a"), notApplied], [2, get, value("a", "e1")]),
  "a refused write that took effect": history(
    [1, set("a"), stored("e1")],
    [2, set("b", absent), refused("ALREADY_EXISTS", "e1")],
    [3, get, value("b", "e2")],
  ),
  "existed of nothing": history([1, del, deleted(true)]),
  "existed not told": history([1, set("a"), stored("e1")], [2, del, deleted(false)]),
  "an etag that did not change": history(
    [1, incr(), counted(1n, "e1")],
    [2, incr(), unknown],
    [3, get, counter(2n, "e1")],
  ),
  "an etag that did not change by a write that returned it": history(
    [1, set("a"), stored("e1")],
    [2, set("b"), stored("e1")],
  ),
  "a touch that left the etag": history([1, set("a"), stored("e1")], [2, touch(), touched("e1")]),
  "a condition that passed on an old etag": history(
    [1, set("a"), stored("e1")],
    [2, set("b"), stored("e2")],
    [3, set("c", ifEtag("e1")), stored("e3")],
  ),
  "an etag of an unknown write that was another's before": history(
    [1, set("a"), unknown],
    [2, get, value("a", "e1")],
    [3, set("b"), unknown],
    [4, get, value("b", "e1")],
  ),
  "an entry that outlived its second": history(
    [1, set("a", { expiry: 5 }), stored("e1", 5), [4, 4]],
    [2, get, value("a", "e1", 5), [5, 5]],
  ),
  "an entry that was gone too early": history(
    [1, set("a", { expiry: 5 }), stored("e1", 5), [4, 4]],
    [2, get, missing, [4, 4]],
  ),
  "an expired counter that went on": history(
    [1, incr(1n, { expiry: 5 }), counted(1n, "e1", 5), [4, 4]],
    [2, incr(), counted(2n, "e2", 5), [6, 6]],
  ),
  "an expired counter that went on after it was deleted": history(
    [1, incr(1n, { expiry: 5 }), counted(1n, "e1", 5), [4, 4]],
    [[2, 4], del, deleted(false), [4, 5]],
    [[3, 6], incr(1n, { expiry: 9 }), counted(2n, "e2", 9), [4, 5]],
    [7, get, counter(2n, "e2", 9), [5, 5]],
  ),
  "an expiry that an increment dropped": history(
    [1, incr(1n, { expiry: 5 }), counted(1n, "e1", 5)],
    [2, incr(), counted(2n, "e2")],
  ),
};
