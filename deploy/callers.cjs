// `npm run callers -- --stage NAME [add|remove|rotate NAME]`
const path = require('node:path');

require('tsx/cjs');
process.argv.splice(2, 0, 'callers');
require(path.join(__dirname, '..', 'local', 'cli.ts'));
