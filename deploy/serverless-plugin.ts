import { HuaweiProvider } from './provider-plugin';

// The plugin of the npm package. A clone uses serverless-plugin.cjs, because the framework's require() cannot load TypeScript.
module.exports = HuaweiProvider;
