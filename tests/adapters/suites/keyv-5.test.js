import keyvTestSuite, { keyvIteratorTests } from "@keyv/test-suite";
import Keyv from "keyv";
import { KeyvDynakv } from "./adapter.js";
import { createNotingClient, testManyAsOneCall } from "./calls.js";

const { it, beforeEach, afterEach } = globalThis;
const noting = createNotingClient();
// Keyv 5 reads options of the store that its suite sets.
let store = new KeyvDynakv(noting.client, 5);
const createStore = () => {
  const { opts } = store;
  store = Object.assign(new KeyvDynakv(noting.client, 5), { opts });
  return store;
};

keyvTestSuite({ it, beforeEach, afterEach }, Keyv, createStore);
keyvIteratorTests({ it, beforeEach }, Keyv, createStore);
testManyAsOneCall(it, createStore, noting);
