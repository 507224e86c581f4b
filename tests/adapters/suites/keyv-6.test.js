import Keyv from "keyv6";
import { KeyvDynakv } from "./adapter.js";
import { createNotingClient, testManyAsOneCall } from "./calls.js";
import { keyvIteratorTests, keyvTestSuite, storageTestSuite } from "./suite-6/index.ts";

const { it } = globalThis;
const noting = createNotingClient();
const createStore = () => new KeyvDynakv(noting.client, 6);

keyvTestSuite(it, Keyv, createStore);
keyvIteratorTests(it, Keyv, createStore);
storageTestSuite(it, createStore);
testManyAsOneCall(it, createStore, noting);
