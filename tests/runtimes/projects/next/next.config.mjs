// Only since this example has its packages in the folder above it.
export default { turbopack: { root: new URL("..", import.meta.url).pathname } };
