/** The environment variables of the commands that call a server. The server's settings pass them over. */
export const clientVariables = { address: "DYNAKV_ADDRESS", token: "DYNAKV_TOKEN" } as const;
