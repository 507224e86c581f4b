module.exports = {
  // The client and what it is made of are ECMAScript modules, which have to be compiled as well.
  transformIgnorePatterns: ["/node_modules/(?!(@dynakv|@connectrpc|@bufbuild)/)"],
  transform: { "\\.[tj]s$": ["ts-jest", { tsconfig: "tsconfig.json" }] },
};
