// Serverless Framework plugins are loaded with require(), which knows no TypeScript.
require('tsx/cjs');
module.exports = require('./provider-plugin.ts').HuaweiProvider;
