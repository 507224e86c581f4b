/** The full number of increments, clients and seconds, for `npm run test:long`; else fewer do. */
export const isFullRun = process.env.DYNAKV_TEST_FULL === "1";
