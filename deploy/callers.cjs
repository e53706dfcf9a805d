// `npm run callers -- --stage NAME [add|remove|rotate NAME]`: commands of the framework take only options, so `add NAME` becomes one.
const { spawnSync } = require('node:child_process');
const path = require('node:path');

const args = process.argv.slice(2);
const at = args.findIndex(
  (word, index) => /^(add|remove|rotate)$/.test(word) && args[index - 1] !== '--stage',
);
if (at >= 0) args[at] = `--${args[at]}`;
const program = path.join(path.dirname(require.resolve('serverless/package.json')), 'bin', 'serverless.js');
const { status } = spawnSync(process.execPath, [program, 'show-callers', ...args], { stdio: 'inherit' });
process.exitCode = status ?? 1;
