/** The version of the server. A test holds it to package.json, which a built package would have to read from disk. */
export const version = "0.1.0";
