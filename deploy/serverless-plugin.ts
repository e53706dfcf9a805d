import { HuaweiProvider } from './provider-plugin';

// The package's plugin; a clone has serverless-plugin.cjs, for the framework's require() knows no TypeScript.
module.exports = HuaweiProvider;
