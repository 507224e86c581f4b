module.exports = {
  // The client and what it is made of are ECMAScript modules, which Jest leaves as they are unless it is told to compile them.
  transformIgnorePatterns: ["/node_modules/(?!(@dynakv|@connectrpc|@bufbuild)/)"],
  transform: { "\\.m?js$": ["babel-jest", { plugins: ["@babel/plugin-transform-modules-commonjs"] }] },
};
