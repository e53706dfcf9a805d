// The framework loads plugins with require(), which cannot load TypeScript.
require('tsx/cjs');
module.exports = require('./provider-plugin.ts').HuaweiProvider;
