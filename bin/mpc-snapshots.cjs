#!/usr/bin/env node
// `npx mpc-snapshots …` in the clone is `npm run local -- …`; without words it starts the local cloud.
const path = require('node:path');

require('tsx/cjs');
if (process.argv.length === 2) process.argv.push('start');
require(path.join(__dirname, '..', 'local', 'cli.ts'));
