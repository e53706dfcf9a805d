#!/usr/bin/env node
// In the clone, `npx mpc-snapshots …` is `npm run local -- …`. Without arguments it starts the local cloud.
const path = require('node:path');

require('tsx/cjs');
if (process.argv.length === 2) process.argv.push('start');
require(path.join(__dirname, '..', 'local', 'cli.ts'));
