/** Where `dynakv serve` listens by default, and so where clients call unless they are told another address. */
export const defaultAddress = "http://127.0.0.1:50051";
