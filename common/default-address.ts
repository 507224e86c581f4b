/** Default address of `dynakv serve` and of clients. */
export const defaultAddress = "http://127.0.0.1:50051";
