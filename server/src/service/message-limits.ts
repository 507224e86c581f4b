/** A message of a stream ends at this many results, or once it holds this many bytes of values: gRPC clients take 4 MiB by default. */
export const maxResults = 200;
export const maxValueBytes = 1024 * 1024;
